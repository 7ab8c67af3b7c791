package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A collector is where spans are sent, by OTLP over HTTP. It is an
// otlptrace.Client; OpenTelemetry's own for HTTP carries all of gRPC.
type collector struct {
	url     *url.URL
	header  http.Header
	gzip    bool
	timeout time.Duration
	client  *retryablehttp.Client
	log     *slog.Logger
}

const defaultTimeout = 10 * time.Second

func newCollector(log *slog.Logger) (*collector, error) {
	c := &collector{header: http.Header{}, timeout: defaultTimeout, log: log}
	var err error
	if c.url, err = endpoint(); err != nil {
		return nil, err
	}
	text, from := setting("HEADERS")
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil {
			return nil, fmt.Errorf("%s: it is a list of NAME=VALUE, with commas between them", from) // not its text: tokens stand in it
		}
		c.header.Set(strings.TrimSpace(name), value)
	}
	if text, from := setting("TIMEOUT"); text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms <= 0 {
			return nil, fmt.Errorf("%s: %q is not a positive number of milliseconds", from, text)
		}
		c.timeout = time.Duration(ms) * time.Millisecond
	}
	switch text, from := setting("COMPRESSION"); text {
	case "", "none":
	case "gzip":
		c.gzip = true
	default:
		return nil, fmt.Errorf("%s: %q is neither gzip nor none", from, text)
	}
	return c, c.connect()
}

// endpoint is the URL of the collector's traces.
func endpoint() (*url.URL, error) {
	from := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	text := os.Getenv(from)
	if text == "" {
		from = "OTEL_EXPORTER_OTLP_ENDPOINT"
		if text = os.Getenv(from); text == "" {
			text = "http://localhost:4318"
		}
		text = strings.TrimSuffix(text, "/") + "/v1/traces"
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s: it is not a URL like http://127.0.0.1:4318", from)
	}
	return u, nil
}

// connect makes the client. Nothing is sent yet.
func (c *collector) connect() error {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if file, from := setting("CERTIFICATE"); file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(data) {
			return fmt.Errorf("%s: %s has no certificate in PEM form", from, file)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	c.client = retryablehttp.NewClient()
	c.client.Logger = nil
	c.client.HTTPClient = &http.Client{
		Transport: transport,
		// Tokens are for the collector, and for nobody that it names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.client.RetryWaitMin, c.client.RetryWaitMax, c.client.RetryMax = 200*time.Millisecond, 5*time.Second, 10
	c.client.ErrorHandler = retryablehttp.PassthroughErrorHandler
	c.client.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		return err != nil || slices.Contains([]int{429, 502, 503, 504}, resp.StatusCode), nil
	}
	return nil
}

// Start implements otlptrace.Client.
func (c *collector) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *collector) Stop(context.Context) error {
	c.client.HTTPClient.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. What fails is logged here: the SDK
// would hand it to a handler that is the whole process's.
func (c *collector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	if err := c.upload(ctx, spans); err != nil {
		c.log.Warn("traces were dropped", "endpoint", c.url.Redacted(), "error", err)
	}
	return nil
}

func (c *collector) upload(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// On the wire it is the same message as an ExportTraceServiceRequest, whose
	// package carries gRPC.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	if c.gzip {
		var small bytes.Buffer
		z := gzip.NewWriter(&small)
		_, _ = z.Write(body) // a buffer takes everything
		_ = z.Close()
		body = small.Bytes()
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, c.url.String(), body)
	if err != nil {
		return err
	}
	r.Header = c.header.Clone()
	r.Header.Set("Content-Type", "application/x-protobuf")
	if c.gzip {
		r.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the collector answered %s", resp.Status)
	}
	return nil
}
