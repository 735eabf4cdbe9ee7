package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gobtf/gobtf/module"
)

// grace is how long a run may take to end by itself after a signal. Stages that do not look at the context, and system calls that wait
// for others, such as opening a pipe that nobody writes to, are not waited for.
const grace = 500 * time.Millisecond

// interruptible returns a context that INT, TERM and HUP end. What has not ended within grace of the first, or when a second one comes,
// is ended with everything: files are then as they were, or whole and new, and temporary ones are gone.
func interruptible(parent context.Context, stderr io.Writer) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	got := make(chan os.Signal, 2)
	signal.Notify(got, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		select {
		case <-got:
		case <-done:
			return
		}
		cancel()
		select {
		case <-got:
		case <-time.After(grace):
		case <-done:
			return
		}
		module.Abandon()
		fmt.Fprintln(stderr, "gobtf: interrupted")
		os.Exit(exitFailure)
	}()
	return ctx, func() {
		signal.Stop(got)
		close(done)
		cancel()
	}
}
