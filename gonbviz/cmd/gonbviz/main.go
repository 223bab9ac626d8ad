// Command gonbviz shows what is inside a convolutional network, and sets up and runs the Go notebooks that do.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
	_ "github.com/convlens/convlens/gonbviz/internal/quiet"
)

// Exit statuses.
const (
	statusDone   = 0
	statusFailed = 1
	statusUsage  = 2 // all that shows before a file is opened
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run runs a command line and gives its exit status. An error is one line on stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (status int) {
	defer func() {
		if thrown := recover(); thrown != nil {
			if os.Getenv("GONBVIZ_DEBUG") != "" {
				stderr.Write(debug.Stack())
			}
			fmt.Fprintln(stderr, errorLine(fmt.Errorf("a fault in gonbviz itself (GONBVIZ_DEBUG=1 says more): %v", thrown)))
			status = statusFailed
		}
	}()
	root := newRoot()
	root.SetArgs(args)
	out := &checkedOutput{Writer: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	begun := markBegin(root)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err, *begun = out.err, true
	}
	var usage *usage
	switch {
	case err == nil:
		return statusDone
	case ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))):
		// Some work says how far it came; of the cause nobody needs more than one word.
		said := strings.NewReplacer(ctx.Err().Error(), "interrupted", context.Cause(ctx).Error(), "interrupted").Replace(err.Error())
		fmt.Fprintln(stderr, errorLine(errors.New(said)))
		return statusFailed
	}
	fmt.Fprintln(stderr, errorLine(err))
	if errors.As(err, &usage) || !*begun {
		return statusUsage
	}
	return statusFailed
}

// checkedOutput is an output that remembers what went wrong, since cobra does not look when it prints help.
type checkedOutput struct {
	io.Writer
	err error
}

func (o *checkedOutput) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// newRoot makes the command with all its subcommands, one file each.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "gonbviz",
		Short:         "Look inside a convolutional network",
		Long:          about,
		Example:       examples,
		Version:       cmp.Or(gonbviz.Versions()["gonbviz"], "(devel)"),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(root *cobra.Command, words []string) error {
			if len(words) == 0 {
				return root.Help()
			}
			return unknownCommand(root, words[0])
		},
		Args:              cobra.ArbitraryArgs, // so that a wrong word is told here, in one line
		PersistentPreRunE: noneEmpty,
	}
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().Bool("quiet", false, "no progress on standard error")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newLab(), newSetup(), newRun(), newModels(), newLayers(), newPredict(), newFilters(), newActivations(), newOcclusion(), newReport(), newCache())
	root.SetHelpCommand(newHelp())
	for _, command := range root.Commands() {
		command.Flags().SortFlags = false // a command's own options stand before those that it shares
		command.Args = inForm(command.Args)
	}
	return root
}

// inForm is a check of a command's words whose error says how the command is called.
func inForm(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(command *cobra.Command, words []string) error {
		if check(command, words) == nil {
			return nil
		}
		return usageError("%s: it is called as %s", strings.Join(append([]string{command.Name()}, words...), " "), command.UseLine())
	}
}

// flagError says what an option takes in place of why its value could not be parsed.
func flagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	takes := map[string]string{"bool": "true or false", "float64": "a number", "int": "a whole number", "uint64": "a whole number from 0 on"}
	flag := invalid.GetFlag()
	return usageError("--%s %q: give %s", flag.Name, invalid.GetValue(), takes[flag.Value.Type()])
}

// noneEmpty refuses an option that is given and says nothing, as one does by a variable of a script that was never set.
func noneEmpty(command *cobra.Command, _ []string) error {
	var err error
	command.Flags().Visit(func(flag *pflag.Flag) {
		if flag.Value.String() == "" {
			err = usageError("--%s is empty; give a value or leave it out", flag.Name)
		}
	})
	return err
}

const about = `Looks inside a convolutional network: what its layers are, what its filters have learnt, what each layer
answers to a picture, and which part of the picture the answer rests on. A result is drawn (.svg, .html,
.png) or written as numbers (.npy, .csv, .json), by the ending of the file that --out names.

Exit status: 0 done, 1 failed, 2 a wrong call.`

const examples = `  gonbviz lab                                        # the notebooks, in JupyterLab
  gonbviz predict --image cat.jpg                    # what does it show?
  gonbviz filters --layer conv1 --out filters.svg
  gonbviz activations --image cat.jpg --layer conv1,fire5 --out maps.html
  gonbviz occlusion --image cat.jpg --out heatmap.png`

// newHelp is cobra's help command with an error for a command that is not there.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Say what a command does and takes",
		Args:  inForm(cobra.MaximumNArgs(1)),
		RunE: func(help *cobra.Command, words []string) error {
			root := help.Root()
			command, rest, err := root.Find(words)
			if err != nil || len(rest) > 0 {
				return unknownCommand(root, words[0])
			}
			return command.Help()
		},
	}
}

func unknownCommand(root *cobra.Command, word string) error {
	var names []string
	for _, command := range root.Commands() {
		if command.IsAvailableCommand() {
			names = append(names, command.Name())
		}
	}
	return usageError("no command %q; there are: %s", word, strings.Join(names, ", "))
}

// markBegin notes when a subcommand's own work begins: an error before that is cobra's, about the call.
func markBegin(root *cobra.Command) *bool {
	begun := new(bool)
	for _, command := range root.Commands() {
		if work := command.RunE; work != nil {
			command.RunE = func(command *cobra.Command, args []string) error {
				*begun = true
				return work(command, args)
			}
		}
	}
	return begun
}

// usage is a wrong call.
type usage struct{ error }

func (u *usage) Unwrap() error { return u.error }

// usageError makes the error of a call that is wrong whatever the files hold; the exit status is then 2.
func usageError(format string, args ...any) error { return &usage{fmt.Errorf(format, args...)} }

// oneOf is usageError where value is not among the values that a flag can have.
func oneOf[T ~string](flag string, value T, values []T) error {
	var names []string
	for _, v := range values {
		if v == value {
			return nil
		}
		names = append(names, string(v))
	}
	return usageError("--%s %q: it is one of %s", flag, value, strings.Join(names, ", "))
}

// progress is where a command reports how its work goes: standard error, or nil with --quiet.
func progress(command *cobra.Command) io.Writer {
	if quiet, err := command.Flags().GetBool("quiet"); err != nil || quiet {
		return nil
	}
	return command.ErrOrStderr()
}

// maxLine is how long an error, or what is said of a result, may be.
const maxLine = 500

// packagePrefix is what our packages put before their errors, which says nothing to whoever calls the command.
var packagePrefix = regexp.MustCompile(`(^|: )(?:attrib|models|pixel|probe|weights): `)

// inWords is an error in the command's words: with the option that is to be changed, where that is known.
func inWords(err error) string {
	var setting *attrib.SettingError
	if errors.As(err, &setting) {
		return "--" + setting.Name + ": " + setting.Reason
	}
	return packagePrefix.ReplaceAllString(err.Error(), "$1")
}

// errorLine is an error as one line of at most 500 characters, with control characters escaped. Of a longer one the
// middle is left out: a name stands at its beginning, the reason and the mend at its end.
func errorLine(err error) string {
	return shorten("gonbviz: " + escape(strings.TrimSpace(inWords(err))))
}

// shorten leaves out the middle of what is longer than maxLine.
func shorten(line string) string {
	text := []rune(line)
	if over := len(text) - maxLine; over > 0 {
		text = slices.Replace(text, maxLine/3, maxLine/3+over+1, '…')
	}
	return string(text)
}

// escape writes what would move the cursor, or be seen as nothing, as Go would in a string.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
	}
	return b.String()
}
