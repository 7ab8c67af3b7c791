package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

func profileCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "profile",
		Short: "Work with network profiles: configs under a name",
		Example: `  mockforge chaos profile list
  mockforge chaos profile apply slow_3g`,
	})
	c.AddCommand(profileListCommand(), profileApplyCommand(), profileExportCommand(), profileImportCommand())
	return c
}

func profileListCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the network profiles",
		Example: `  mockforge chaos profile list`,
		Args:    noArgs(""),
	}
	r := newRemote(c)
	outputFlag(c, &output)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return show(c, r, output, listed((*client.Client).Profiles), writeProfiles)
	}
	return c
}

func writeProfiles(w io.Writer, profiles []client.Profile) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tKIND\tTAGS\tDESCRIPTION")
	for _, p := range profiles {
		kind := "imported"
		if p.Builtin {
			kind = "built in"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", oneLine(p.Name), kind, list(p.Tags), firstLine(p.Description))
	}
	return table.Flush()
}

func profileApplyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "apply NAME",
		Short: "Put a network profile in force",
		Long: `Put a network profile in force, from the next request on, in place of what was
configured before. chaos reset takes it off again.`,
		Example: `  mockforge chaos profile apply slow_3g`,
		Args:    oneName("profile"),
	}
	r := newRemote(c)
	c.ValidArgsFunction = r.names(profileNames)
	return callCommand(c, r, func(c *cobra.Command, args []string, api *client.Client) (client.Reply, error) {
		reply, err := api.ApplyProfile(c.Context(), args[0])
		return reply, r.unlisted(err, "chaos profile list")
	})
}

func profileExportCommand() *cobra.Command {
	var output, format string
	var force bool
	c := &cobra.Command{
		Use:   "export NAME",
		Short: "Write a network profile to a file",
		Long: `Write a network profile to a file, or to standard output. A file that exists is
kept, unless --force is given.`,
		Example: `  mockforge chaos profile export slow_3g --format json
  mockforge chaos profile export slow_3g --output slow_3g.yaml`,
		Args: oneName("profile"),
	}
	r := newRemote(c)
	exportFlags(c, &output, &format, &force, "json")
	c.ValidArgsFunction = r.names(profileNames)
	c.RunE = func(c *cobra.Command, args []string) error {
		return export(c, r, output, format, force, func(api *client.Client, format orchestrator.Format) ([]byte, error) {
			content, err := api.ExportProfile(c.Context(), args[0], format)
			return content, r.unlisted(err, "chaos profile list")
		})
	}
	return c
}

func profileImportCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "import --file FILE",
		Short: "Give the server a network profile to keep",
		Long: `Give the server a network profile to keep under its name, for apply. A file is
checked first; one with errors is not sent.`,
		Example: `  mockforge chaos profile import --file office_wifi.yaml
  mockforge chaos profile apply office_wifi`,
		Args: noArgs("file"),
	}
	r := newRemote(c)
	c.Flags().StringVarP(&file, "file", "f", "", "profile to import")
	_ = c.MarkFlagRequired("file") // fails only for a flag that does not exist
	completeDocument(c, r)
	c.RunE = func(c *cobra.Command, _ []string) error {
		content, err := readBounded(file)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		d := document{path: file, content: content, format: orchestrator.FormatOf(file)}
		if err := d.checkProfile(); err != nil {
			return err
		}
		api, err := r.client(c)
		if err != nil {
			return err
		}
		reply, err := api.ImportProfile(c.Context(), d.content, d.format)
		if err != nil {
			return d.refused(err, false)
		}
		fmt.Fprintln(c.OutOrStdout(), oneLine(reply.Message))
		return d.writeWarnings(c.OutOrStdout(), reply.Warnings)
	}
	return c
}

// checkProfile finds what is wrong with a profile before the server does.
func (d *document) checkProfile() error {
	_, warnings, err := orchestrator.ParseProfile(d.content, d.format)
	d.warnings = warnings
	if invalid := d.located(err); invalid != nil {
		return invalidDocument(d.path, invalid.Problems)
	}
	return err
}

func profileNames(ctx context.Context, api *client.Client) ([]string, error) {
	profiles, err := api.Profiles(ctx)
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.Name
	}
	return names, err
}

// oneName takes exactly one word.
func oneName(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return fmt.Errorf("which %s? name one", what)
		case 1:
			return nil
		}
		return fmt.Errorf("unexpected argument %q: one %s at a time", args[1], what)
	}
}
