package injector_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// A slowTransport takes a second to send the message that it has read, and then
// reads on. Its call does not end by itself.
type slowTransport struct {
	sent bool // with the call still on
}

func (s *slowTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	defer r.Body.Close()
	if _, err := readMessage(r.Body); err != nil {
		return nil, err
	}
	time.Sleep(time.Second)
	s.sent = r.Context().Err() == nil
	_, _ = r.Body.Read(make([]byte, 1)) // it ends, or waits
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// The last message of a call that is broken off is sent before, however long the
// transport takes to do that; and the call does not wait for more.
func TestInterruptionWaitsForTheTransport(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]func() io.Reader{
		"the end": func() io.Reader { return strings.NewReader("") },
		"silence": func() io.Reader { silent, _ := io.Pipe(); return silent },
		"another": func() io.Reader { return strings.NewReader(string(message("more"))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				in := injector.New()
				in.Apply(grpcLayer(interruption(1)))
				more := rest()
				if c, is := more.(io.Closer); is {
					defer c.Close() // ends the read that was left behind
				}
				body := io.MultiReader(strings.NewReader(string(message("hello"))), more)
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://test"+payments, body)
				require.NoError(t, err)
				r.Header.Set("Content-Type", "application/grpc")
				slow := &slowTransport{}
				start := time.Now()
				resp, err := in.RoundTripper(slow).RoundTrip(r)
				require.NoError(t, err)
				require.Equal(t, "14", readCall(resp).status())
				require.True(t, slow.sent)
				require.Equal(t, time.Second+time.Millisecond, time.Since(start))
			})
		})
	}
}
