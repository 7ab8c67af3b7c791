package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/server/client"
)

// outputFlag adds --output text|json.
func outputFlag(c *cobra.Command, output *string) {
	c.Flags().StringVarP(output, "output", "o", "text", "text or json")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]cobra.Completion{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// show makes a call that only asks, and shows the answer: as JSON, or as write
// writes it for people.
func show[T any](c *cobra.Command, r *remote, output string, ask func(*client.Client, context.Context) (T, error), write func(io.Writer, T) error) error {
	if output != "text" && output != "json" {
		return fmt.Errorf("unknown output %q: use text or json", output)
	}
	api, err := r.client(c)
	if err != nil {
		return err
	}
	answer, err := ask(api, c.Context())
	if err != nil {
		return serverError(err)
	}
	if output == "json" {
		return writeIndented(c.OutOrStdout(), answer)
	}
	return write(c.OutOrStdout(), answer)
}

// listed is a call whose list is never null in JSON.
func listed[T any](ask func(*client.Client, context.Context) ([]T, error)) func(*client.Client, context.Context) ([]T, error) {
	return func(api *client.Client, ctx context.Context) ([]T, error) {
		list, err := ask(api, ctx)
		return append([]T{}, list...), err
	}
}
