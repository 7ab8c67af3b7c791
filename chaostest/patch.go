package chaostest

import "net/http"

// patch sends http.DefaultTransport through the in-memory network until the
// returned function is called.
func patch(on bool, env *Env) (restore func()) {
	if !on {
		return func() {}
	}
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		env.Errorf("PatchDefaultTransport: http.DefaultTransport is a %T, not an *http.Transport", http.DefaultTransport)
		return func() {}
	}
	dial, proxy := t.DialContext, t.Proxy
	t.CloseIdleConnections()
	t.DialContext, t.Proxy = env.dial, nil
	return func() {
		t.CloseIdleConnections()
		t.DialContext, t.Proxy = dial, proxy
	}
}
