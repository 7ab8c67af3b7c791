package chaostest

import (
	"context"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// What belongs to the process is the outer test's, whoever asks for it.
var reachesOuter = map[string]bool{"TempDir": true, "Setenv": true, "Chdir": true, "ArtifactDir": true, "Attr": true}

// Every method of testing.TB, those of later Go versions too, is the step's or
// the Env's own: the outer test, which is outside virtual time and would be
// failed by a muted step, is reached by the listed ones only. Here the outer
// test is nil, so that reaching it panics.
func TestEveryMethodOfTBIsOverridden(t *testing.T) {
	t.Parallel()
	interfaceType := reflect.TypeFor[testing.TB]()
	for _, who := range []struct {
		name string
		tb   func(*scope) testing.TB
	}{
		{"Step", func(s *scope) testing.TB { return &Step{scope: s} }},
		{"Env", func(s *scope) testing.TB { return &Env{scope: s} }},
	} {
		t.Run(who.name, func(t *testing.T) {
			t.Parallel()
			called := 0
			for m := range interfaceType.Methods() {
				if !m.IsExported() {
					continue
				}
				called++
				s := &scope{known: &helpers{}, sink: &buffer{}, ctx: context.Background(), exit: func() {}}
				method := reflect.ValueOf(who.tb(s)).MethodByName(m.Name)
				require.Equal(t, reachesOuter[m.Name], panics(method), m.Name)
			}
			require.Greater(t, called, 20)
		})
	}
}

// panics calls a method, which may end its goroutine, and reports whether it
// panicked.
func panics(method reflect.Value) (panicked bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() != nil }()
		var args []reflect.Value
		for i := range method.Type().NumIn() {
			in := method.Type().In(i)
			switch {
			case method.Type().IsVariadic() && i == method.Type().NumIn()-1:
			case in.Kind() == reflect.Func:
				args = append(args, reflect.ValueOf(func() {}))
			default:
				args = append(args, reflect.ValueOf("text").Convert(in))
			}
		}
		method.Call(args)
	}()
	<-done
	return panicked
}
