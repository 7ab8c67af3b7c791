package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/server/client"
)

func startCommand() *cobra.Command {
	var file, name, seed string
	var wait bool
	c := &cobra.Command{
		Use:   "start (--file FILE | --name NAME)",
		Short: "Start an orchestration on a server",
		Long: `Start an orchestration on a server: a file, or one that was imported. A file is
checked first, as validate does; one with errors is not sent.

start returns once the orchestration runs. With --wait it follows it to its end,
prints each step's verdict, and its exit code says how it went: 0 passed,
1 failed or stopped, 3 inconclusive. Ctrl-C never stops a run by itself: on a
terminal it offers the choice, elsewhere the run goes on.`,
		Example: `  mockforge orchestrate start --file orchestration.yaml
  mockforge orchestrate start --file orchestration.yaml --wait
  mockforge orchestrate start --name checkout --seed 0x3bbc274c --base-url http://localhost:3000`,
		Args: noArgs("file"),
	}
	r := newRemote(c)
	flags := c.Flags()
	flags.StringVarP(&file, "file", "f", "", "orchestration to start")
	flags.StringVar(&name, "name", "", "imported orchestration to start")
	flags.StringVar(&seed, "seed", "", "seed of every decision, such as 7 or 0x3bbc274c; by default the document's, else a new one")
	flags.BoolVarP(&wait, "wait", "w", false, "follow it to its end and exit with its verdict")
	completeDocument(c, r)
	c.RunE = func(c *cobra.Command, _ []string) error {
		switch {
		case file == "" && name == "":
			return errors.New("say what to start: --file FILE, or --name NAME of an orchestration that the server keeps")
		case file != "" && name != "":
			return errors.New("--file and --name exclude each other")
		}
		chosen, err := parseSeed(seed)
		if err != nil {
			return err
		}
		api, err := r.client(c)
		if err != nil {
			return err
		}
		var started client.Started
		if file != "" {
			started, err = startFile(c, api, file, chosen)
		} else {
			started, err = startName(c, api, name, chosen)
		}
		if err != nil {
			return err
		}
		out := c.OutOrStdout()
		if !wait {
			_, err := fmt.Fprintf(out, "\nRun %s, seed %s. Follow it with: %s\n", oneLine(started.ID), oneLine(started.Seed), r.command("orchestrate watch"))
			return err
		}
		fmt.Fprintln(out)
		return follow(c, r, api, started.ID)
	}
	return c
}

// startFile sends a file that has no errors.
func startFile(c *cobra.Command, api *client.Client, file string, seed *uint64) (client.Started, error) {
	out := c.OutOrStdout()
	fmt.Fprintf(out, "Starting chaos orchestration from: %s\n", file)
	d, err := readDocument(file)
	if err != nil {
		return client.Started{}, err
	}
	if seed != nil {
		d.parsed.Seed = seed
	}
	started, err := api.Start(c.Context(), d.parsed)
	if err != nil {
		return started, d.refused(err, true)
	}
	fmt.Fprintln(out, oneLine(started.Message))
	return started, d.writeWarnings(out, started.Warnings)
}

func startName(c *cobra.Command, api *client.Client, name string, seed *uint64) (client.Started, error) {
	out := c.OutOrStdout()
	fmt.Fprintf(out, "Starting chaos orchestration: %s\n", name)
	started, err := api.StartNamed(c.Context(), name, seed)
	if err != nil {
		return started, serverError(err)
	}
	fmt.Fprintln(out, oneLine(started.Message))
	return started, document{}.writeWarnings(out, started.Warnings)
}

func parseSeed(text string) (*uint64, error) {
	if text == "" {
		return nil, nil
	}
	seed, err := strconv.ParseUint(strings.TrimSpace(text), 0, 64)
	if err != nil {
		return nil, fmt.Errorf("--seed %q: must be a whole number from 0 to 2^64-1, such as 7 or 0x3bbc274c", text)
	}
	return &seed, nil
}

// completeDocument completes --file with documents and --name with what the
// server keeps.
func completeDocument(c *cobra.Command, r *remote) {
	if c.Flags().Lookup("file") != nil {
		_ = c.MarkFlagFilename("file", "yaml", "yml", "json") // fails only for a flag that does not exist
	}
	if c.Flags().Lookup("name") != nil {
		_ = c.RegisterFlagCompletionFunc("name", r.names(orchestrationNames))
	}
}
