package client

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A stream that only keeps alive lives on; one that falls silent ends.
func TestEventsSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := New("http://h", WithHTTPClient(&http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			reader, writer := io.Pipe()
			go func() {
				for range 20 {
					time.Sleep(15 * time.Second)
					_, _ = io.WriteString(writer, ": keep-alive\n\n")
				}
				<-r.Context().Done()
				writer.CloseWithError(r.Context().Err())
			}()
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: reader}, nil
		})}))
		require.NoError(t, err)
		began := time.Now()
		for _, err = range c.Events(t.Context()) {
		}
		require.EqualError(t, err, "the server cannot be reached: GET http://h/api/chaos/events: nothing heard for 45s")
		require.Equal(t, 20*15*time.Second+45*time.Second, time.Since(began))
	})
}
