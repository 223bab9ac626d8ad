// Package browsertest opens notebooks in JupyterLab as a reader does, in Chromium, and looks at the pictures.
package browsertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/convlens/convlens/gonbviz/internal/setup"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
)

// patience bounds the whole look at one notebook.
const patience = 8 * time.Minute

// TestPictures runs each notebook in the browser, looks at every picture, saves, and looks again at what was saved as
// one whom nobody trusts would see it.
func TestPictures(t *testing.T) {
	root, err := setup.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	// The first look has every kind of output; the others, which take minutes each here, are run without a browser by
	// the tests beside them.
	for _, notebook := range []string{filepath.Join(root, "notebooks", "first_look.ipynb"), filepath.Join("testdata", "picture.ipynb")} {
		t.Run(filepath.Base(notebook), func(t *testing.T) {
			needs(t, root)
			folder := copied(t, root, notebook)
			name := filepath.Base(notebook)
			var ran, reopened int
			visit(t, root, folder, name, func(ctx context.Context) {
				runAll(ctx, t)
				ran = look(ctx, t)
				await(ctx, t, `panel.context.save()`)
			})
			visit(t, root, folder, name, func(ctx context.Context) {
				if trusted := await(ctx, t, `Promise.resolve(panel.content.model.cells.get(1).trusted)`); trusted != "false" {
					t.Errorf("the reopened notebook's trust is %s; it has to be untrusted to be a test", trusted)
				}
				reopened = look(ctx, t)
			})
			if ran == 0 || reopened != ran {
				t.Errorf("%d pictures after running, %d in the reopened notebook", ran, reopened)
			}
		})
	}
}

// needs ends the test where JupyterLab or the browser is not there.
func needs(t *testing.T, root string) {
	t.Helper()
	parts, err := setup.Check(t.Context(), root, setup.Options{Plugin: setup.PluginNone})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if !part.OK() && part.Name != "library" {
			testbackend.Skip(t, part.Name+" is missing: "+part.Detail)
		}
	}
	if browser() == "" {
		testbackend.Skip(t, "no Chromium or Chrome on the PATH")
	}
}

func browser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// copied puts the notebook, without its outputs, in a new folder inside the clone, which its first cell looks for.
func copied(t *testing.T, root, notebook string) (folder string) {
	t.Helper()
	text, err := os.ReadFile(notebook)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for _, cell := range document["cells"].([]any) {
		if cell := cell.(map[string]any); cell["cell_type"] == "code" {
			cell["outputs"], cell["execution_count"] = []any{}, nil
		}
	}
	if text, err = json.Marshal(document); err != nil {
		t.Fatal(err)
	}
	if folder, err = os.MkdirTemp(root, ".browsertest-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.WriteFile(filepath.Join(folder, filepath.Base(notebook)), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}

// visit opens a notebook in a JupyterLab and a browser that know nothing from before.
func visit(t *testing.T, root, folder, name string, see func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	address, ended := make(chan string, 1), make(chan error, 1)
	var log bytes.Buffer
	go func() {
		ended <- setup.Lab(ctx, root, setup.Server{
			Folder: folder, State: t.TempDir(), NoBrowser: true, Log: &log,
			Arguments: []string{"--LabApp.expose_app_in_browser=True"},
			Ready:     func(a string) { address <- a },
		})
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("JupyterLab: %v", err)
		}
	}()
	select {
	case at := <-address:
		browse(ctx, t, strings.Replace(at, "/lab?", "/lab/tree/"+name+"?", 1), see)
	case err := <-ended:
		ended <- nil
		t.Fatalf("JupyterLab did not start: %v\n%s", err, log.String())
	}
}

func browse(ctx context.Context, t *testing.T, address string, see func(ctx context.Context)) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser()),
		chromedp.Flag("disable-gpu", true),
		chromedp.WindowSize(1400, 1000),
		// The pictures have to show without a network.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
		chromedp.Flag("disable-component-update", true),
	)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	first := chromedp.CSS(".jp-NotebookPanel .jp-Cell")
	if err := chromedp.Do(ctx, chromedp.Navigate(address), chromedp.WaitVisible(first)); err != nil {
		t.Fatalf("the notebook does not open: %v", err)
	}
	await(ctx, t, `panel.context.ready`)
	see(ctx)
}

// await gives, as JSON, what a promise in the page comes to; panel is the open notebook and app JupyterLab.
func await(ctx context.Context, t *testing.T, promise string) string {
	t.Helper()
	script := fmt.Sprintf(`(async () => {
		const app = window.jupyterapp, panel = [...app.shell.widgets('main')].find(w => w.context);
		return JSON.stringify(await (%s)) ?? "";
	})()`, promise)
	result, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", promise, err)
	}
	return result
}

// runAll runs all cells, waits for the last, and fails where one did.
func runAll(ctx context.Context, t *testing.T) {
	t.Helper()
	await(ctx, t, `panel.context.sessionContext.ready`)
	// Which notebook the command is for, JupyterLab knows by the last click.
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(".jp-NotebookPanel .jp-InputPrompt"))); err != nil {
		t.Fatal(err)
	}
	await(ctx, t, `app.commands.execute('notebook:run-all-cells')`)
	const failures = `Promise.resolve(panel.content.widgets.flatMap(cell => cell.model.type !== 'code' ? [] :
		cell.model.outputs.toJSON().filter(o => o.output_type === 'error').map(o => o.evalue)))`
	if failed := await(ctx, t, failures); failed != "[]" {
		t.Fatalf("cells failed: %s", failed)
	}
}

// rectangle is a picture's place in the window, and the size that the browser found its file to have.
type rectangle struct{ X, Y, Width, Height, NaturalWidth float64 }

// look looks at every picture among the outputs and gives their number.
func look(ctx context.Context, t *testing.T) int {
	t.Helper()
	// JupyterLab draws cells little by little, those near the window first, so each is brought there.
	const all = `(async () => {
		const pause = ms => new Promise(done => setTimeout(done, ms));
		const cells = [...jupyterapp.shell.widgets('main')].find(w => w.context).content.widgets;
		for (const cell of cells) {
			while (!cell.isAttached || cell.isPlaceholder?.()) {
				document.querySelector('.jp-NotebookPanel .jp-Cell:last-of-type')?.scrollIntoView();
				await pause(50);
			}
			cell.node.scrollIntoView({block: 'center'});
			await pause(50);
		}
		window.pictures = () => [...document.querySelectorAll('.jp-OutputArea-output img')];
		for (let before = -1; before != pictures().length; await pause(1000)) before = pictures().length;
		return pictures().length;
	})()`
	count, err := chromedp.Run(ctx, chromedp.Evaluate[int](all, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		place, colours, err := lookAt(ctx, i)
		switch {
		case err != nil:
			t.Fatalf("picture %d: %v", i, err)
		case place.NaturalWidth == 0:
			t.Errorf("picture %d did not load", i)
		case place.Width < 1 || place.Height < 1:
			t.Errorf("picture %d can't be seen: %+v", i, place)
		case colours < 3:
			t.Errorf("picture %d shows %d colours", i, colours)
		}
	}
	return count
}

// lookAt brings the i-th picture into the window and counts the colours that are seen there.
func lookAt(ctx context.Context, i int) (place rectangle, colours int, err error) {
	script := fmt.Sprintf(`(async () => {
		const img = pictures()[%d];
		img.scrollIntoView({block: 'center'});
		await img.decode().catch(() => {});
		await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
		const r = img.getBoundingClientRect();
		const x = Math.max(r.left, 0), y = Math.max(r.top, 0);
		const seen = img.checkVisibility({opacityProperty: true, visibilityProperty: true});
		return {x, y, width: seen ? Math.min(r.right, innerWidth) - x : 0, height: Math.min(r.bottom, innerHeight) - y,
			naturalWidth: img.naturalWidth};
	})()`, i)
	place, err = chromedp.Run(ctx, chromedp.Evaluate[rectangle](script, chromedp.EvalAwaitPromise))
	if err != nil || place.Width < 1 || place.Height < 1 {
		return place, 0, err
	}
	shot, err := chromedp.Run(ctx, capture(place))
	if err != nil {
		return place, 0, err
	}
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return place, 0, err
	}
	return place, distinct(picture), nil
}

// capture takes a screenshot of a part of the window.
func capture(place rectangle) chromedp.Action[[]byte] {
	return func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		shot, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{
			Format: page.CaptureScreenshotFormatPng,
			Clip:   &page.Viewport{X: place.X, Y: place.Y, Width: place.Width, Height: place.Height, Scale: 1},
		})
		return shot.Data, err
	}
}

func distinct(picture image.Image) int {
	seen := map[[4]uint32]bool{}
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			r, g, b, a := picture.At(x, y).RGBA()
			seen[[4]uint32{r, g, b, a}] = true
		}
	}
	return len(seen)
}
