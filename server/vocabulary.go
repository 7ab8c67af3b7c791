package server

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// A vocabulary keeps the values of a label few and short: paths and names come
// from clients, and each value is a series that somebody stores. It is safe for
// concurrent use.
type vocabulary struct {
	most int // values; others are otherWord

	mu    sync.RWMutex
	known map[string]struct{}
}

const (
	otherWord   = "other"
	longestWord = 200 // bytes
)

func newVocabulary(most int) *vocabulary {
	return &vocabulary{most: most, known: map[string]struct{}{}}
}

// of is the word itself, as UTF-8 and not too long, or otherWord where there
// are too many already.
func (v *vocabulary) of(word string) string {
	if len(word) > longestWord {
		word = word[:longestWord]
	}
	if !utf8.ValidString(word) {
		word = strings.ToValidUTF8(word, "\uFFFD")
	}
	v.mu.RLock()
	_, known := v.known[word]
	full := len(v.known) >= v.most
	v.mu.RUnlock()
	switch {
	case known:
		return word
	case full:
		return otherWord
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, known := v.known[word]; !known && len(v.known) >= v.most {
		return otherWord // others were faster
	}
	v.known[strings.Clone(word)] = struct{}{}
	return word
}
