package notebooks_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Notebooks are executed without the results that the user has, and leave none.
func init() { os.Setenv("CONVLENS_NO_CACHE", "1") }

// TestKnownInNextCell asks for the same in two cells. Each is a program of its own, compiled of other text: the second
// must find what the first one kept, and say so.
func TestKnownInNextCell(t *testing.T) {
	needSetup(t)
	n := read(t, "first_look.ipynb")
	var setUp map[string]any
	for i, c := range n.Cells {
		if c.Kind == "code" && strings.Contains(string(c.Source), "%noautoget") {
			setUp = n.raw["cells"].([]any)[i].(map[string]any)
		}
	}
	const imports = `import (
	"fmt"
	"os"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/models/squeezenet"
)
`
	body := fmt.Sprintf(`%%%%
os.Setenv("CONVLENS_HOME", %q)
os.Unsetenv("CONVLENS_NO_CACHE")
lens := gonbviz.Must(gonbviz.OpenOn("go", squeezenet.Network()))
answer := gonbviz.Must(lens.Classify(gonbviz.Must(gonbviz.Photo("squirrel"))))
`, t.TempDir())
	code := func(source string) any {
		return map[string]any{"cell_type": "code", "metadata": map[string]any{}, "source": source, "outputs": []any{}}
	}
	n.raw["cells"] = []any{
		setUp, code(imports + body + "fmt.Println(answer.Top(1)[0])"), code(body + `fmt.Println("again", answer.Top(1)[0])`),
	}
	cells := execute(t, n).Cells
	said := func(c cell) (printed, shown string) {
		for _, o := range c.Outputs {
			printed += string(o.Text)
			shown += string(o.Data["text/html"])
		}
		return strings.TrimSpace(printed), shown
	}
	first, shownFirst := said(cells[1])
	second, shownSecond := said(cells[2])
	if second != "again "+first || first == "" {
		t.Errorf("first %q, then %q", first, second)
	}
	if strings.Contains(shownFirst, "cache") || !strings.Contains(shownSecond, "Classes, from the cache (computed in ") {
		t.Errorf("the cells show %q, then %q", shownFirst, shownSecond)
	}
}
