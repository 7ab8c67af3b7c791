package matrix_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// text is a message.
type text = wrapperspb.StringValue

// A desk is the upstream: a service of gRPC, written by hand, with one method
// of each kind. Streams exchange three messages a direction at most.
type desk struct {
	pace     time.Duration // between the messages of a stream
	calls    atomic.Int64
	canceled atomic.Int64 // handlers that saw their call end early
}

func (d *desk) charge(_ context.Context, in *text) (*text, error) {
	d.calls.Add(1)
	if in.Value == "bad" {
		return nil, status.Error(codes.InvalidArgument, "bad")
	}
	return wrapperspb.String("charged " + in.Value), nil
}

func (d *desk) watch(stream grpc.ServerStream) error {
	in := new(text)
	if err := stream.RecvMsg(in); err != nil {
		return err
	}
	for i := range 3 {
		if err := stream.SendMsg(wrapperspb.String(fmt.Sprint(in.Value, i))); err != nil {
			return err
		}
		if err := d.rest(stream.Context()); err != nil {
			return err
		}
	}
	return nil
}

func (d *desk) upload(stream grpc.ServerStream) error {
	n := 0
	for {
		err := stream.RecvMsg(new(text))
		if errors.Is(err, io.EOF) {
			return stream.SendMsg(wrapperspb.String(fmt.Sprint(n)))
		}
		if err != nil {
			d.canceled.Add(1)
			return err
		}
		n++
	}
}

func (d *desk) chat(stream grpc.ServerStream) error {
	for {
		in := new(text)
		err := stream.RecvMsg(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			d.canceled.Add(1)
			return err
		}
		if err := stream.SendMsg(wrapperspb.String("re: " + in.Value)); err != nil {
			return err
		}
	}
}

func (d *desk) rest(ctx context.Context) error {
	select {
	case <-time.After(d.pace):
		return nil
	case <-ctx.Done():
		d.canceled.Add(1)
		return ctx.Err()
	}
}

// server is a server of gRPC with the desk in it.
func (d *desk) server(opts ...grpc.ServerOption) *grpc.Server {
	s := grpc.NewServer(opts...)
	stream := func(name string, serve func(*desk, grpc.ServerStream) error, up, down bool) grpc.StreamDesc {
		return grpc.StreamDesc{StreamName: name, ClientStreams: up, ServerStreams: down,
			Handler: func(srv any, s grpc.ServerStream) error { return serve(srv.(*desk), s) }}
	}
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "matrix.Desk",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Charge", Handler: func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			in := new(text)
			if err := decode(in); err != nil {
				return nil, err
			}
			return srv.(*desk).charge(ctx, in)
		}}},
		Streams: []grpc.StreamDesc{
			stream("Watch", (*desk).watch, false, true), stream("Upload", (*desk).upload, true, false), stream("Chat", (*desk).chat, true, true),
		},
	}, d)
	return s
}

// charge makes a unary call.
func charge(ctx context.Context, conn *grpc.ClientConn, what string, opts ...grpc.CallOption) (string, error) {
	out := new(text)
	err := conn.Invoke(ctx, "/matrix.Desk/Charge", wrapperspb.String(what), out, opts...)
	return out.Value, err
}

// converse makes a call of a stream: it sends messages while there are any, in
// a chat after each answer, and returns what it got and how the call ended.
func converse(ctx context.Context, conn *grpc.ClientConn, method string, sends ...string) (got []string, trailer metadata.MD, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: method != "Watch", ServerStreams: method != "Upload"}, "/matrix.Desk/"+method)
	if err != nil {
		return nil, nil, err
	}
	receive := func() error {
		out := new(text)
		if err := stream.RecvMsg(out); err != nil {
			return err
		}
		got = append(got, out.Value)
		return nil
	}
	for _, m := range sends {
		if err = stream.SendMsg(wrapperspb.String(m)); err != nil && !errors.Is(err, io.EOF) {
			return got, stream.Trailer(), err
		}
		if method == "Chat" {
			if err = receive(); err != nil {
				return got, stream.Trailer(), err
			}
		}
	}
	_ = stream.CloseSend() // never fails
	for err = receive(); err == nil; err = receive() {
		if method == "Upload" {
			return got, stream.Trailer(), nil
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return got, stream.Trailer(), err
}
