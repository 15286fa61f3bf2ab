// Command chunkgate is an upload proxy in front of object storage: clients
// speak Dropbox's chunked-upload protocol, the bytes go into S3 multipart
// uploads, and what is known about an upload lives in Redis.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes. A supervisor that restarts on failure should not on exitUsage:
// the next start would fail alike.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitWarned = 3 // of doctor
)

// exitCode is the error of a command that has said what there is to say.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// commands is the command line.
type commands struct {
	Serve  serve  `cmd:"" help:"Serve uploads until SIGTERM."`
	Health health `cmd:"" help:"Ask the server on this machine whether it is alive; for container health checks."`

	Doctor  doctor  `cmd:"" help:"Check both stores and say what to do. Exit code 0: all is well, 1: something must be repaired, 3: warnings only."`
	Uploads uploads `cmd:"" help:"Look at uploads and put them right; for whoever runs the server."`
}

// output is where a command prints what it was asked for.
type output struct{ io.Writer }

// run is the program. Its errors are one sentence each on stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var cmds commands
	helped := false
	parser, err := kong.New(&cmds,
		kong.Name("chunkgate"),
		kong.Description("Dropbox chunked uploads onto S3 storage."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }), // after printing --help
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(stderr, (*io.Writer)(nil)),
		kong.Bind(output{stdout}),
	)
	if err != nil {
		panic(err) // the commands' own declaration is wrong
	}
	command, err := parser.Parse(args)
	if helped {
		return exitOK
	}
	unknown, wrong := environment(parser.Model, os.Environ())
	if wrong != nil {
		err = wrong // says more than what comes of it
	}
	if err != nil {
		return complain(stderr, err, exitUsage)
	}
	err = command.Run(unknown)
	var said exitCode
	if errors.As(err, &said) {
		return int(said)
	}
	if err != nil {
		return complain(stderr, err, exitFailed)
	}
	return exitOK
}

func complain(stderr io.Writer, err error, code int) int {
	var setting *settingError
	if errors.As(err, &setting) {
		code = exitUsage
	}
	_, _ = fmt.Fprintf(stderr, "chunkgate: %v\n", err)
	return code
}
