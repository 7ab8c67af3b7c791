package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/mockforge-go/mockforge/server"
	"github.com/mockforge-go/mockforge/server/telemetry"
)

// serveFlags are those of serve that do not say what goes wrong.
type serveFlags struct {
	opts         server.Options
	targets      []string
	cert, key    string
	upstreamCA   string
	insecure     bool
	listProfiles bool
	logFormat    string
	logLevel     string
	chaos        chaosFlags
}

func serveCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the chaos server in front of your services",
		Long: `Run the chaos server: it forwards requests to your services and makes things go
wrong on the way. Without --upstream and --target it answers itself, with a JSON
echo of each request.

Flags, the API and started scenarios make up one standing config; an
orchestration suspends it while it runs. Chaos never applies to /api/chaos/,
/metrics and /health. Without --chaos nothing is injected until
mockforge chaos enable. Where OTEL_EXPORTER_OTLP_ENDPOINT is set, traces go there.

A target is reached at /NAME; with options after the URL by another prefix, by
its Host, or on a port of its own:

  --target payments=http://127.0.0.1:9001
  --target orders=http://127.0.0.1:9002,prefix=/v1/orders
  --target search=http://127.0.0.1:9003,host=search.test
  --target stock=http://127.0.0.1:9004,port=3004`,
		Example: `  mockforge serve --chaos
  mockforge serve --chaos --http-port 3000 --upstream http://127.0.0.1:8080
  mockforge serve --chaos --chaos-latency-ms 200 --chaos-http-errors 500,503 --chaos-http-error-probability 0.1`,
		Args: noArgs(""),
		RunE: func(c *cobra.Command, _ []string) error {
			if f.listProfiles {
				return listProfiles(c.OutOrStdout())
			}
			if err := f.complete(c); err != nil {
				return err
			}
			tracer, flush, err := telemetry.FromEnvironment(c.Context(), f.opts.Version, f.opts.Logger)
			if err != nil {
				return &exitError{exitUsage, err}
			}
			defer func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), 5*time.Second)
				defer cancel()
				_ = flush(ctx) // what is not taken has been logged
			}()
			f.opts.Tracer = tracer
			s, err := server.New(f.opts)
			if err == nil {
				err = s.Listen()
			}
			if err != nil {
				return &exitError{exitUsage, err}
			}
			f.greet(c.OutOrStdout(), s)
			if err := s.Run(c.Context()); err != nil {
				return &exitError{exitFailed, err}
			}
			return nil
		},
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.opts.Chaos, "chaos", false, "switch chaos on")
	flags.StringVar(&f.opts.Host, "host", "127.0.0.1", "address to listen on; one that other machines reach needs --admin-token")
	flags.IntVar(&f.opts.Port, "http-port", 3000, "port to listen on; 0: a free one")
	flags.StringVar(&f.opts.Upstream, "upstream", "", "URL to forward to: http, https, or h2c for HTTP/2 without TLS")
	flags.StringArrayVar(&f.targets, "target", nil, "NAME=URL[,prefix=/P][,host=H][,port=N]: a named upstream; may be repeated. NAME=tcp://HOST:PORT,port=N: one that is not HTTP")
	flags.StringVar(&f.opts.Scenario, "chaos-scenario", "", "scenario to start with: "+names(server.Scenarios()))
	f.chaos.register(flags)
	flags.Uint64Var(&f.opts.Seed, "seed", 0, "seed of the standing config's decisions")
	flags.StringVar(&f.opts.AdminToken, "admin-token", os.Getenv("MOCKFORGE_ADMIN_TOKEN"), "token that the API asks for; default: $MOCKFORGE_ADMIN_TOKEN")
	flags.Lookup("admin-token").DefValue = ""
	flags.BoolVar(&f.opts.InsecureAdmin, "insecure-admin", false, "let anybody who reaches --host control the server")
	flags.StringArrayVar(&f.opts.CORSOrigins, "cors-origin", nil, "origin whose pages may use the API; may be repeated")
	flags.BoolVar(&f.opts.TrustForwarded, "trust-forwarded", false, "take clients' addresses from X-Forwarded-For")
	flags.StringVar(&f.opts.DataDir, "data-dir", "", "directory that keeps imports, history and the running orchestration; default: memory")
	flags.StringVar(&f.opts.EventLog, "event-log", "", "file that the events of each run are appended to")
	flags.StringVar(&f.cert, "tls-cert", "", "certificate to serve https with")
	flags.StringVar(&f.key, "tls-key", "", "its key")
	flags.StringVar(&f.upstreamCA, "upstream-ca", "", "certificates that https upstreams may be signed with, besides the system's")
	flags.BoolVar(&f.insecure, "insecure-upstream", false, "do not verify the certificates of https upstreams")
	flags.StringVar(&f.logFormat, "log-format", "text", "text or json; logs go to standard error")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.BoolVar(&f.listProfiles, "list-network-profiles", false, "list the network profiles and end")
	return c
}

// complete turns the flags into options.
func (f *serveFlags) complete(c *cobra.Command) (err error) {
	if f.opts.Port < 0 || f.opts.Port > 65535 {
		return fmt.Errorf("--http-port: %d is out of range: 0 to 65535", f.opts.Port)
	}
	if f.opts.Port == 0 {
		f.opts.Port = server.AnyPort
	}
	for _, text := range f.targets {
		t, err := parseTarget(text)
		if err != nil {
			return err
		}
		f.opts.Targets = append(f.opts.Targets, t)
	}
	if err := f.chaos.apply(c.Flags(), &f.opts); err != nil {
		return err
	}
	if f.opts.TLS, err = certificate(f.cert, f.key); err != nil {
		return err
	}
	if f.opts.UpstreamTLS, err = upstreamTLS(f.upstreamCA, f.insecure); err != nil {
		return err
	}
	f.opts.Version = version()
	f.opts.Logger, err = logger(c.ErrOrStderr(), f.logFormat, f.logLevel)
	return err
}

// parseTarget reads NAME=URL[,prefix=/P][,host=H][,port=N].
func parseTarget(text string) (t server.Target, err error) {
	name, rest, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return t, fmt.Errorf("--target: %q is not NAME=URL, like payments=http://127.0.0.1:9001", text)
	}
	parts := strings.Split(rest, ",")
	t = server.Target{Name: name, Upstream: parts[0]}
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "prefix":
			t.Prefix = value
		case "host":
			t.Host = value
		case "port":
			t.Port, err = strconv.Atoi(value)
			if err != nil || t.Port < 1 || t.Port > 65535 {
				return t, fmt.Errorf("--target %s: port %q is out of range: 1 to 65535", name, value)
			}
		default:
			return t, fmt.Errorf("--target %s: unknown option %q: use prefix=, host= or port=", name, part)
		}
	}
	return t, nil
}

func certificate(cert, key string) (*tls.Config, error) {
	if cert == "" && key == "" {
		return nil, nil
	}
	if cert == "" || key == "" {
		return nil, errors.New("--tls-cert and --tls-key need each other")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("--tls-cert: %w", err)}
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

func upstreamTLS(ca string, insecure bool) (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: insecure, MinVersion: tls.VersionTLS12}
	if ca == "" {
		return config, nil
	}
	data, err := os.ReadFile(ca)
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("--upstream-ca: %w", err)}
	}
	if config.RootCAs, err = x509.SystemCertPool(); err != nil {
		config.RootCAs = x509.NewCertPool()
	}
	if !config.RootCAs.AppendCertsFromPEM(data) {
		return nil, &exitError{exitUsage, fmt.Errorf("--upstream-ca: %s has no certificate in PEM form", ca)}
	}
	return config, nil
}

func logger(w io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level: %q is not debug, info, warn or error", level)
	}
	opts := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, fmt.Errorf("--log-format: %q is neither text nor json", format)
}

// greet says where the server is and what it does.
func (f *serveFlags) greet(w io.Writer, s *server.Server) {
	fmt.Fprintf(w, "MockForge listens on %s\n", s.URL())
	for _, t := range s.Targets() {
		to := t.Upstream
		if to == "" {
			to = "a JSON echo (no upstream)"
		}
		fmt.Fprintf(w, "  %s: %s -> %s\n", t.Name, t.URL, to)
	}
	switch {
	case f.opts.Chaos:
		fmt.Fprintln(w, "Chaos engineering enabled")
	case f.opts.Config.HasSection() || f.opts.Scenario != "" || f.opts.Profile != "":
		fmt.Fprintln(w, "Chaos engineering disabled: what the flags ask for begins with mockforge chaos enable, or with --chaos")
	default:
		fmt.Fprintln(w, "Chaos engineering disabled: start with --chaos, or use mockforge chaos enable")
	}
	fmt.Fprintln(w, "Chaos Engineering API available at /api/chaos/*")
}

func listProfiles(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range server.NetworkProfiles() {
		fmt.Fprintf(table, "%s\t%s\n", p.Name, p.Description)
	}
	return table.Flush()
}

// names lists scenarios for a sentence.
func names(of []server.NamedScenario) string {
	var out []string
	for _, s := range of {
		out = append(out, s.Name)
	}
	return strings.Join(out, ", ")
}
