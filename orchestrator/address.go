package orchestrator

import (
	"net/netip"
	"strings"
)

// address is an IP address or a CIDR prefix.
func address(into *string) codec { return addressCodec{textCodec[string]{into: into, oneLine: true}} }

type addressCodec struct{ textCodec[string] }

func (c addressCodec) kind() string { return "address or CIDR prefix" }

func (c addressCodec) decode(d *decoder, n *node, path string) {
	problems := len(d.problems)
	c.textCodec.decode(d, n, path)
	if len(d.problems) > problems {
		return
	}
	if _, err := netip.ParseAddr(n.text); err == nil {
		return
	}
	if _, err := netip.ParsePrefix(n.text); err != nil {
		d.wrong(n, path, "", "an IP address or a CIDR prefix like 10.0.0.0/8")
	}
}

// pathPattern is the pattern of an HTTP path.
func pathPattern(into *string) codec { return pathCodec{textCodec[string]{into: into, oneLine: true}} }

type pathCodec struct{ textCodec[string] }

func (c pathCodec) decode(d *decoder, n *node, path string) {
	problems := len(d.problems)
	c.textCodec.decode(d, n, path)
	if len(d.problems) == problems && !strings.HasPrefix(n.text, "/") && !strings.HasPrefix(n.text, "*") {
		d.fail(n.place, path, "/"+n.text, "%s is not a path: it must begin with /", quote(n.text))
	}
}
