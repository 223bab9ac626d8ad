package picture

import (
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"codeberg.org/go-fonts/dejavu/dejavusans"
	"codeberg.org/go-fonts/dejavu/dejavusansbold"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// style is a size and weight of text. capHeight is what a capital letter takes, rounded to whole pixels; line is the
// distance from baseline to baseline.
type style struct {
	size, line, capHeight float64
	bold                  bool
	role                  role
}

var (
	titleStyle    = style{18, 24, 13, true, ink}
	subtitleStyle = style{13, 18, 10, false, secondary}
	headingStyle  = style{13, 18, 10, true, ink}
	rowStyle      = style{13, 18, 10, false, ink}
	noteStyle     = style{11, 16, 8, false, secondary}
	labelStyle    = style{11, 16, 8, false, ink}
	valueStyle    = style{12, 16, 9, true, ink}
	figureStyle   = style{20, 24, 15, true, ink}
)

func (s style) strong() style          { s.bold = true; return s }
func (s style) colour(r role) style    { s.role = r; return s }
func (s style) width(t string) float64 { return measure(t, s.size, s.bold) }

// ruler measures text in the widest of the fonts that a viewer may fall back to, so that what fits by it fits anywhere.
type ruler struct {
	font    *sfnt.Font
	mu      sync.Mutex
	buffer  sfnt.Buffer
	advance map[rune]float64
}

var rulers = [2]*ruler{newRuler(dejavusans.TTF), newRuler(dejavusansbold.TTF)}

func newRuler(ttf []byte) *ruler {
	f, err := sfnt.Parse(ttf)
	if err != nil {
		panic("picture: embedded font: " + err.Error())
	}
	return &ruler{font: f, advance: map[rune]float64{}}
}

// em is the advance of r at size 1. What the font lacks is taken to be as wide as it is high.
func (r *ruler) em(c rune) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, known := r.advance[c]; known {
		return a
	}
	a := 1.0
	units := r.font.UnitsPerEm()
	if i, err := r.font.GlyphIndex(&r.buffer, c); err == nil && i != 0 {
		if f, err := r.font.GlyphAdvance(&r.buffer, i, fixed.I(int(units)), font.HintingNone); err == nil {
			a = float64(f) / 64 / float64(units)
		}
	}
	r.advance[c] = a
	return a
}

// measure is the width of s in pixels.
func measure(s string, size float64, bold bool) float64 {
	r := rulers[0]
	if bold {
		r = rulers[1]
	}
	var em float64
	for _, c := range s {
		em += r.em(c)
	}
	return em * size
}

// wrap breaks s at its spaces into lines of at most w pixels; a word that is wider breaks anywhere.
func wrap(s string, st style, w float64) []string {
	var lines []string
	line := ""
	for _, word := range strings.Split(s, " ") {
		if line != "" && st.width(line+" "+word) <= w {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; st.width(line) > w; {
			n := fitting(line, st, w)
			lines, line = append(lines, line[:n]), line[n:]
			if line == "" {
				break
			}
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// fitting is how many bytes of s fit in w pixels; at least one letter.
func fitting(s string, st style, w float64) int {
	n := 0
	for i, c := range s {
		end := i + utf8.RuneLen(c)
		if n > 0 && st.width(s[:end]) > w {
			break
		}
		n = end
	}
	return n
}

// ellipsis shortens s to w pixels.
func ellipsis(s string, st style, w float64) string {
	if st.width(s) <= w {
		return s
	}
	room := w - st.width("…")
	if room < 0 {
		return ""
	}
	n := fitting(s, st, room)
	if st.width(s[:n]) > room {
		return "…"
	}
	return strings.TrimRight(s[:n], " "+nbsp) + "…"
}

// visible is s as it is drawn: plain, and with no break at a sign of multiplication.
func visible(s string) string { return strings.ReplaceAll(plainText(s), " × ", nbsp+"×"+nbsp) }

// plainText writes control characters, and the marks that turn or hide text, as escapes.
func plainText(s string) string {
	if !strings.ContainsFunc(s, hidden) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, c := range s {
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\r':
			b.WriteString(`\r`)
		case hidden(c) && c < 0x100:
			fmt.Fprintf(&b, `\x%02x`, c)
		case hidden(c):
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

func hidden(c rune) bool {
	return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) && c != '\u00AD' && c != '\u200D' ||
		c == '\u2028' || c == '\u2029' || c == '\uFFFE' || c == '\uFFFF'
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

// escape makes s safe in the text and the quoted attributes of HTML and SVG.
func escape(s string) string { return escaper.Replace(visible(s)) }
