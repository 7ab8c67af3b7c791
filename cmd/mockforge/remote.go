package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/server/client"
)

const (
	defaultBaseURL = "http://localhost:3000"
	baseURLEnv     = "MOCKFORGE_BASE_URL"
	tokenEnv       = "MOCKFORGE_ADMIN_TOKEN"
)

// A remote is how a command finds its server.
type remote struct {
	baseURL string
	token   string
	asked   bool // for the base URL, with the flag
}

// newRemote adds the flags that every command for a server has.
func newRemote(c *cobra.Command) *remote {
	r := &remote{}
	base := defaultBaseURL
	if env := os.Getenv(baseURLEnv); env != "" {
		base = env
	}
	c.Flags().StringVar(&r.baseURL, "base-url", base, "where the server is; or set "+baseURLEnv)
	c.Flags().StringVar(&r.token, "token", "", "the server's admin token; better set "+tokenEnv+", which no process list shows")
	return r
}

// client is for the server that the flags and the environment name.
func (r *remote) client(c *cobra.Command) (*client.Client, error) {
	r.asked = c.Flags().Changed("base-url")
	token := r.token
	if token == "" {
		token = os.Getenv(tokenEnv)
	}
	api, err := client.New(r.baseURL, client.WithToken(token))
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("--base-url: %w", err)}
	}
	return api, nil
}

// command is a command line for the same server, to show to people.
func (r *remote) command(words string) string {
	line := "mockforge " + words
	if r.asked && r.baseURL != defaultBaseURL {
		line += " --base-url " + r.baseURL
	}
	return line
}

// unlisted adds to the error of a name that the server does not know the command
// that lists those that it knows.
func (r *remote) unlisted(err error, list string) error {
	if !notFound(err) {
		return err
	}
	return fmt.Errorf("%w\nSee which there are with: %s", err, r.command(list))
}

// serverError gives the error of a call its exit code and the next move.
func serverError(err error) error {
	var refused *client.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, client.ErrUnreachable):
		return &exitError{exitUnreachable, fmt.Errorf("%w\nIs it running there? Start one with: mockforge serve --chaos", err)}
	case errors.Is(err, context.Canceled):
		return &exitError{exitFailed, errors.New("interrupted")}
	case !errors.As(err, &refused):
		return &exitError{exitUsage, err}
	}
	switch code := refused.StatusCode; {
	case code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		return &exitError{exitUnreachable, err}
	case code >= http.StatusInternalServerError: // the server's fault
		return &exitError{exitFailed, err}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return &exitError{exitUsage, fmt.Errorf("%w: give the server's token with --token or %s", err, tokenEnv)}
	}
	return &exitError{exitUsage, err}
}

// callCommand makes c a command of one call that prints what the server says.
func callCommand(c *cobra.Command, r *remote, call func(*cobra.Command, []string, *client.Client) (client.Reply, error)) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		api, err := r.client(c)
		if err != nil {
			return err
		}
		reply, err := call(c, args, api)
		if err != nil {
			return serverError(err)
		}
		out := c.OutOrStdout()
		if _, err := fmt.Fprintln(out, oneLine(reply.Message)); err != nil {
			return err
		}
		return document{}.writeWarnings(out, reply.Warnings)
	}
	return c
}

// names completes an argument or a flag with what the server has.
func (r *remote) names(list func(context.Context, *client.Client) ([]string, error)) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(c.Context(), 2*time.Second)
		defer cancel()
		api, err := r.client(c)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		names, err := list(ctx, api)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// orchestrationNames are those of the documents that the server keeps.
func orchestrationNames(ctx context.Context, api *client.Client) ([]string, error) {
	list, err := api.List(ctx)
	names := make([]string, len(list))
	for i, o := range list {
		names[i] = o.Name
	}
	return names, err
}
