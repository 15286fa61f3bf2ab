// Command bench measures chunkgate beside nginx and beside clients that talk to
// the store themselves, all in one run on the real MinIO and Redis, so that the
// ratios hold on any machine. `make bench` runs it; docs/performance.md is
// where its results are explained.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chunkgate/chunkgate/bench/report"
	"github.com/chunkgate/chunkgate/internal/testserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// command is the program. Its error is one sentence.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		isQuick = flags.Bool("quick", false, "fewer cells and rounds: the goals only, in a few minutes")
		program = flags.String("chunkgate", "", "the program to measure; empty: build it")
		file    = flags.String("json", "", "where the results go; empty: results/full.json, or results/quick.json with -quick")
		page    = flags.String("page", "", "a page whose generated parts, and whose picture beside it, are renewed from the results")
		render  = flags.Bool("render", false, "measure nothing: read the results and renew the page")
	)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	p := full
	if *isQuick {
		p = quick
	}
	if *file == "" {
		*file = filepath.Join("results", p.mode+".json")
	}
	if !*render {
		h := &host{}
		err := h.run(func() error {
			r, err := measure(ctx, h, p, *program, stderr)
			if err != nil {
				return err
			}
			return r.Save(*file)
		})
		if err != nil {
			return err
		}
	}
	r, err := report.Load(*file)
	if err != nil {
		return err
	}
	if err := r.Write(stdout); err != nil {
		return err
	}
	if *page == "" {
		return nil
	}
	return r.Page(*page)
}

// measure runs the plan. tb ends what is started for it.
func measure(ctx context.Context, tb testserver.TB, p plan, program string, progress io.Writer) (*report.Result, error) {
	if program == "" {
		program = testserver.Build(tb, "-race=false", "-trimpath")
	}
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	step := func(format string, args ...any) {
		fmt.Fprintf(progress, "%4.0f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	step("starting MinIO, Redis, nginx and chunkgate")
	s, err := startStack(ctx, tb, program, p.largest())
	if err != nil {
		return nil, err
	}
	r := &report.Result{Mode: p.mode, Began: began.UTC().Truncate(time.Second)}
	root := testserver.Root(tb)
	r.Revision = revision(ctx, root)
	if r.Machine, err = s.machine(ctx, root); err != nil {
		return nil, err
	}
	if err := s.measure(ctx, p, r, step); err != nil {
		return nil, err
	}
	r.Seconds = time.Since(began).Seconds()
	step("done")
	return r, nil
}

func (s *stack) measure(ctx context.Context, p plan, r *report.Result, step func(string, ...any)) (err error) {
	began := time.Now()
	for i, g := range p.groups {
		g.systems = s.possible(g.systems)
		step("%d clients, chunks of %d MiB, at most %d rounds: %s", g.clients, g.chunk/mib, g.rounds, g.names())
		cells, err := s.cells(ctx, g, began.Add(p.share(i)))
		if err != nil {
			return err
		}
		r.Cells = append(r.Cells, cells...)
	}
	step("a file of %d MiB without path hint, %d rounds", p.staged.bytes/mib, p.staged.rounds)
	if r.Staged, err = s.staged(ctx, p.staged); err != nil {
		return err
	}
	step("chunk %d beside chunk 1", p.long.late)
	if r.Long, err = s.long(ctx, p.long); err != nil {
		return err
	}
	if r.Long.Store, err = s.longStore(ctx, p.long); err != nil {
		return err
	}
	if err := s.empty(ctx); err != nil {
		return err
	}
	step("counting requests to S3 and Redis")
	if r.Counts, err = s.count(ctx, p.counts); err != nil {
		return err
	}
	step("%d idle uploads", p.idle.uploads)
	if r.Idle, err = s.idle(ctx, p.idle); err != nil {
		return err
	}
	step("%d slow uploads", p.slow.uploads)
	if r.Slow, err = s.slow(ctx, p.slow); err != nil {
		return err
	}
	if err := s.empty(ctx); err != nil {
		return err
	}
	step("%d slow uploads by nginx", p.slow.uploads)
	r.Slow.Nginx, err = s.slowNginx(ctx, p.slow)
	return err
}

// names of the group's systems, for people.
func (g group) names() string {
	var names []string
	for _, s := range g.systems {
		name := s.name
		switch {
		case s.noLength:
			name += " without length"
		case s.noHint:
			name += " without hint"
		case s.unsummed:
			name += " without checksum"
		case s.parallel > 0:
			name += fmt.Sprintf(" by %d", s.parallel)
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// largest chunk in the plan, in bytes.
func (p plan) largest() int64 {
	largest := max(p.slow.chunk, p.long.chunk*int64(p.long.cycle()), p.idle.tail, stagedChunk)
	for _, g := range p.groups {
		largest = max(largest, g.chunk)
	}
	for _, c := range p.counts {
		largest = max(largest, c.chunk)
	}
	return largest
}
