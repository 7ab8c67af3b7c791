package injector_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// A response that dribbles is held until its length is known: what passes of it
// is decided then.
func TestInterruptionOfADribble(t *testing.T) {
	t.Parallel()
	for _, name := range callSeams {
		for after, want := range map[int]callResult{1: {}, 2: {messages: []string{"re: 0"}}, 3: {messages: []string{"re: 0"}}} {
			seen := &events{}
			in := injector.New(injector.WithObserver(seen))
			g := interruption(after)
			in.Apply(injector.Layer{Name: "step", Config: injector.Config{
				GRPC: &g, FaultInjection: &injector.FaultInjection{Dribble: &injector.Dribble{NumberOfChunks: 2, TotalDuration: time.Millisecond}},
			}})
			client, url := seam(t, name, in, unary)
			r := call(t.Context(), client, url+payments, nil, "0")
			require.NoError(t, r.err)
			require.Equal(t, want.messages, r.messages, "%s %d", name, after)
			require.Eventually(t, func() bool { return seen.done() == 1 }, 10*time.Second, time.Millisecond)
			o := seen.outcomes[0]
			require.False(t, o.Canceled)
			if after == 3 {
				require.Equal(t, "0", r.status())
				require.Len(t, o.Spared, 1)
				continue
			}
			require.Equal(t, "14", r.status(), "%s %d", name, after)
			require.Equal(t, injector.KindStreamInterruption, o.Fault)
			require.Empty(t, o.Spared)
		}
	}
}

// Where the call is broken off before, nothing of what was held has passed.
func TestInterruptionOfWhatIsHeld(t *testing.T) {
	t.Parallel()
	in := injector.New()
	g := interruption(2)
	in.Apply(injector.Layer{Name: "step", Config: injector.Config{
		GRPC: &g, FaultInjection: &injector.FaultInjection{Dribble: &injector.Dribble{NumberOfChunks: 2, TotalDuration: time.Millisecond}},
	}})
	client, url := seam(t, "handler", in, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("X-Upstream", "1")
		_, _ = readMessage(r.Body)
		_, _ = w.Write(message("early"))
		_, _ = readMessage(r.Body)
		<-r.Context().Done()
	}))
	r := call(t.Context(), client, url+payments, nil, "0", "1")
	require.NoError(t, r.err)
	require.Empty(t, r.messages)
	require.Equal(t, "14", r.status())
	require.Equal(t, "application/grpc+proto", r.header.Get("Content-Type"))
	require.Empty(t, r.header.Get("X-Upstream"))
}
