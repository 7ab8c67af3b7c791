package main

import (
	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/server"
)

func serveCommand() *cobra.Command {
	var opts server.Options
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the chaos server",
		Args:  noArgs(""),
		RunE: func(c *cobra.Command, _ []string) error {
			opts.Version = version()
			s, err := server.New(opts)
			if err != nil {
				return err
			}
			return s.Run(c.Context())
		},
	}
	flags := c.Flags()
	flags.BoolVar(&opts.Chaos, "chaos", false, "inject: the master switch")
	flags.IntVar(&opts.Port, "http-port", 3000, "port to listen on")
	flags.StringVar(&opts.Host, "host", "127.0.0.1", "address to listen on")
	flags.StringVar(&opts.Upstream, "upstream", "", "URL to forward to")
	flags.StringVar(&opts.DataDir, "data-dir", "", "directory to keep the state in")
	return c
}
