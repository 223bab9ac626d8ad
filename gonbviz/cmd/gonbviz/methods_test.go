package main

import (
	"math"
	"strings"
	"testing"
)

// TestMethods runs each method on the network that is solved in testnet, whose input is 0 to 15.
func TestMethods(t *testing.T) {
	inFolder(t)
	labels := make([]float32, 16)
	for i := range labels {
		labels[i] = float32(i / 4)
	}
	array(t, "rows.npy", labels, 4, 4)
	other := make([]float32, 16)
	for i := range other {
		other[i] = float32(15 - i)
	}
	array(t, "other.npy", other, 4, 4)
	base := "occlusion --quiet --backend go --model exact --image ramp.npy --score logit --fill 0 --out o.json "
	drops := func(options string) []any {
		d := document(t, "o.json", base+options)
		if d["clean"] != 54.0 {
			t.Errorf("%s: clean %v", options, d["clean"])
		}
		list, _ := d["grid"].([]any)
		if len(list) == 0 {
			return nil
		}
		return list[0].([]any)
	}
	rows := drops("--method ablation --segments rows.npy")
	if len(rows) != 4 {
		t.Fatalf("drops of four rows: %v", rows)
	}
	for i, want := range rowDrops() {
		if rows[i] != want {
			t.Errorf("without row %d: drop %v, want %v", i, rows[i], want)
		}
	}
	if whole := drops("--method reveal --window 4"); len(whole) != 1 || whole[0] != 54.0 {
		t.Errorf("all revealed: %v", whole)
	}
	if got := drops("--window 50% --stride 25%"); len(got) != 3 {
		t.Errorf("%d positions in a line of windows of half the side", len(got))
	}
	// The first pixel is 0 and 15 in the other picture: 15 more in the first window alone, 45 + 15 is 10 above 50.
	if got := document(t, "o.json", strings.Replace(base, "--fill 0", "--fill @other.npy", 1)+"--window 1 --stride 1 --region 0,0,1,1"); got["map"].([]any)[0].([]any)[0] != -10.0 {
		t.Errorf("with another picture: %v", got["grid"])
	}
	d := document(t, "o.json", base+"--method rise --masks 50 --cells 2 --seed 3")
	if d["method"] != "RISE" || len(d["standard_error"].([]any)) != 4 || d["seed"] != 3.0 {
		t.Errorf("RISE: %v", d)
	}
	// The first filter answers with 0, 4, 31 and 40, the second, which counts against, with 0, 0, 6 and 15.
	d = document(t, "o.json", "occlusion --quiet --backend go --model exact --image ramp.npy --score logit --method channels --layer conv --out o.json")
	if got := d["drop"].([]any); len(got) != 2 || got[0] != 54.0 || got[1] != -21.0 {
		t.Errorf("channels: %v", got)
	}
	d = document(t, "o.json", "occlusion --quiet --backend go --model exact --image ramp.npy --unit conv:1:1:1 --fill 0 --out o.json")
	if d["clean"] != 15.0 || d["unit"] != "conv, channel 1 at row 1, column 1" {
		t.Errorf("a unit: %v, %v", d["clean"], d["unit"])
	}
}

// rowDrops is what the network of testnet.Exact drops by without each row, in plain arithmetic.
func rowDrops() []float64 {
	answer := func(without int) float64 {
		var sums []float64
		for y := range 2 {
			for x := range 2 {
				sum := 0.0
				for dy := range 3 {
					for dx := range 3 {
						if y+dy != without {
							sum += float64((y+dy)*4 + x + dx)
						}
					}
				}
				sums = append(sums, sum)
			}
		}
		total := 0.0
		for i := range 8 {
			v := math.Max(0, sums[i%4]-[]float64{50, 75}[i/4])
			if i > 4 {
				v = -v
			}
			total += v
		}
		return math.Max(0, total)
	}
	var list []float64
	for row := range 4 {
		list = append(list, answer(-1)-answer(row))
	}
	return list
}

// TestMethodCalls refuses what says nothing and what is wrong.
func TestMethodCalls(t *testing.T) {
	inFolder(t)
	for options, words := range map[string]string{
		"--method saliency":                            "it is one of occlusion, reveal",
		"--method rise --window 3":                     "--window says nothing to --method rise",
		"--masks 9":                                    "--masks says nothing to --method occlusion",
		"--method channels":                            "--layer",
		"--method channels --layer stem --to one":      "--to: channels can't be silenced to \"one\"; there are zero and mean",
		"--superpixels 9 --stride 2":                   "--stride is about windows",
		"--superpixels 9 --segments s.png":             "either",
		"--fill picture":                               "@FILE",
		"--fill @":                                     "@FILE",
		"--channels 1,x":                               "--channels",
		"--unit stem":                                  "LAYER:CHANNEL",
		"--window 0%":                                  "above 0%",
		"--window 101%":                                "above 0%",
		"--score activation":                           "probability, logit, logprob and margin",
		"--method channels --layer stem --map class":   "--map says nothing",
		"--method reveal --exact full":                 "--exact says nothing",
		"--method ablation --region 1,1,2,2":           "--region says nothing",
		"--segments photo.png --region 1,1,2,2":        "--region is about windows",
		"--method channels --layer stem --fill 0":      "--fill says nothing",
		"--method channels --layer stem --focus 10%":   "--focus says nothing",
		"--method rise --superpixels 3":                "--superpixels says nothing",
		"--method rise --to mean":                      "--to says nothing",
		"--method ablation --keep 0.3":                 "--keep says nothing",
		"--method occlusion --layer stem":              "--layer says nothing",
		"--method reveal --cells 3 --out other.svg":    "--cells says nothing",
		"--window 3 --stride 2 --fill inpainting":      "inpaint, zero",
		"--fill @photo.png --out photo.png --window 8": "input of the same call",
		"--soft -1":                                    "--soft: a ramp of -1 pixels; give",
		"--method rise --masks 1":                      "--masks: 1 masks",
		"--method rise --masks -5":                     "--masks: -5 masks",
		"--method rise --masks 0":                      "--masks 0: give more than 0",
		"--method rise --cells 0":                      "--cells 0: give more than 0",
		"--method rise --cells -1":                     "--cells: ",
		"--method rise --keep 0":                       "--keep 0: give more than 0",
		"--method rise --keep -0":                      "--keep -0: give more than 0",
		"--method rise --keep 1":                       "above 0 and below 1",
		"--method rise --keep NaN":                     "above 0 and below 1",
		"--superpixels 0":                              "--superpixels 0: give more than 0",
		"--method ablation --superpixels -1":           "--superpixels: -1 superpixels; give",
		"--superpixels -1":                             "--superpixels: -1 superpixels; give",
		"--unit :0":                                    "--unit \":0\": name the layer",
		"--unit :0:1:2":                                "--unit \":0:1:2\": name the layer",
		"--method ablation --fill inpaint":             "windows and regions",
		"--segments s.png --fill inpaint":              "windows and regions",
		"--method reveal --fill inpaint":               "all but a window",
		"--method rise --fill patchmean":               "can't fill with patchmean",
		"--fill NaN":                                   "--fill: \"NaN\" is no fill; give gray",
		"--method rise --score loss":                   "--score: unknown score",
	} {
		args := append([]string{"occlusion", "--backend", "go", "--model", "branches", "--out", "o.svg"}, strings.Fields(options)...)
		fails(t, statusUsage, words, args...)
	}
	for options, words := range map[string]string{
		"--fill @absent.png":             "absent.png",
		"--segments absent.png":          "absent.png",
		"--segments ramp.npy":            "31×21",
		"--unit stam:3":                  "no layer \"stam\"",
		"--unit stem:30":                 "no channel 30",
		"--channels 3":                   "no channel 3",
		"--soft 9 --window 9":            "--soft: ramps of 9 pixels leave nothing",
		"--superpixels 9999":             "--superpixels: 9999 superpixels in",
		"--method channels --layer stam": "no layer \"stam\"",
	} {
		args := append([]string{"occlusion", "--backend", "go", "--model", "branches", "--out", "o.svg"}, strings.Fields(options)...)
		fails(t, statusFailed, words, args...)
	}
}
