package orchestrator

import "fmt"

// foreign says what a document is that was written for another tool, and what
// to do with it; "" for one that may be ours.
func foreign(root *node) string {
	if proxies(root) {
		return "this is a config of toxiproxy: mockforge orchestrate import --from toxiproxy FILE makes an orchestration of it"
	}
	if kind := root.get("kind"); kind != nil && root.get("apiVersion") != nil && root.get("steps") == nil {
		return fmt.Sprintf("this is a Kubernetes object, of kind %s, and no orchestration: a document has a name and steps", quote(kind.text))
	}
	return ""
}

// proxies reports whether a document is a list of toxiproxy's proxies, or has
// them by their names.
func proxies(root *node) bool {
	items := root.items
	for _, e := range root.entries {
		items = append(items, e.value)
	}
	for _, item := range items {
		if item.get("listen") == nil || item.get("upstream") == nil {
			return false
		}
	}
	return len(items) > 0
}

// get is the value of a key of a mapping; nil: there is none.
func (n *node) get(key string) *node {
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}
