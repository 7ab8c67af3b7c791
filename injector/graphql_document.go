package injector

import "slices"

// The types of operations, as in GraphQL.OperationTypes.
const (
	typeQuery        = "query"
	typeMutation     = "mutation"
	typeSubscription = "subscription"
)

const (
	maxSelectionDepth = 64  // of inline fragments in each other, at the top of an operation
	maxBracketDepth   = 512 // of everything that is skipped
)

// An operation is what is known of one operation of a request.
type operation struct {
	kind   string // query, mutation, subscription; "": unknown, for a persisted one
	name   string // "": none
	fields int    // how many response names there are at its top
}

// A definition is an operation or a fragment of a document.
type definition struct {
	kind    string // "": a fragment
	name    string
	fields  []string // response names
	spreads []string // fragments whose fields stand there too
}

// parseOperation finds the operation of a document that a name chooses: its
// only one where the name is empty. It reads just enough of the document to
// know the operation and the fields at its top; what stands deeper is only
// looked at for its brackets.
func parseOperation(document, name string) (operation, error) {
	p := documentParser{lexer: lexer{src: document}}
	definitions, err := p.document()
	if err != nil {
		return operation{}, err
	}
	fragments := map[string]*definition{}
	var chosen *definition
	for i := range definitions {
		switch d := &definitions[i]; {
		case d.kind == "":
			if fragments[d.name] != nil {
				return operation{}, errGraphQL
			}
			fragments[d.name] = d
		case name != "" && d.name != name:
		case chosen != nil:
			return operation{}, errGraphQL // which one is meant is not said
		default:
			chosen = d
		}
	}
	if chosen == nil {
		return operation{}, errGraphQL
	}
	return operation{kind: chosen.kind, name: chosen.name, fields: countFields(chosen, fragments)}, nil
}

// countFields counts the response names at the top of an operation, those of
// fragments included.
func countFields(d *definition, fragments map[string]*definition) int {
	names, seen := map[string]bool{}, map[string]bool{}
	todo := []*definition{d}
	for len(todo) > 0 {
		d, todo = todo[len(todo)-1], todo[:len(todo)-1]
		for _, f := range d.fields {
			names[f] = true
		}
		for _, s := range d.spreads {
			if !seen[s] && fragments[s] != nil {
				seen[s] = true
				todo = append(todo, fragments[s])
			}
		}
	}
	return len(names)
}

type documentParser struct{ lexer }

func (p *documentParser) document() (out []definition, err error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	for p.kind != lexEnd {
		d, err := p.definition()
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func (p *documentParser) definition() (d definition, err error) {
	if p.kind == lexString { // a description
		if err := p.next(); err != nil {
			return d, err
		}
	}
	switch {
	case p.is("{"):
		d.kind = typeQuery
		return d, p.selections(&d, 0)
	case p.kind != lexName:
		return d, errGraphQL
	case p.text == "fragment":
		if d.name, err = p.fragmentName(); err != nil {
			return d, err
		}
	case slices.Contains([]string{typeQuery, typeMutation, typeSubscription}, p.text):
		if d.kind, err = p.name(); err != nil {
			return d, err
		}
		if p.kind == lexName {
			if d.name, err = p.name(); err != nil {
				return d, err
			}
		}
	default:
		return d, errGraphQL
	}
	if err := p.skipIf("("); err != nil { // variables
		return d, err
	}
	if err := p.directives(); err != nil {
		return d, err
	}
	return d, p.selections(&d, 0)
}

// fragmentName reads the beginning of a fragment: fragment Name on Type.
func (p *documentParser) fragmentName() (_ string, err error) {
	var words [4]string
	for i := range words {
		if words[i], err = p.name(); err != nil {
			return "", err
		}
	}
	if words[1] == "on" || words[2] != "on" {
		return "", errGraphQL
	}
	return words[1], nil
}

// selections reads a selection set whose fields stand at the top.
func (p *documentParser) selections(d *definition, depth int) error {
	if !p.is("{") || depth > maxSelectionDepth {
		return errGraphQL
	}
	if err := p.next(); err != nil {
		return err
	}
	if p.is("}") {
		return errGraphQL // it must not be empty
	}
	for !p.is("}") {
		read := p.field
		if p.kind == lexSpread {
			read = func(d *definition) error { return p.spread(d, depth) }
		}
		if err := read(d); err != nil {
			return err
		}
	}
	return p.next()
}

// field reads a field with all that is in it.
func (p *documentParser) field(d *definition) error {
	name, err := p.name() // or an alias
	if err != nil {
		return err
	}
	d.fields = append(d.fields, name)
	if p.is(":") {
		if err := p.nextName(); err != nil {
			return err
		}
	}
	if err := p.skipIf("("); err != nil {
		return err
	}
	if err := p.directives(); err != nil {
		return err
	}
	return p.skipIf("{")
}

// spread reads what stands behind three dots.
func (p *documentParser) spread(d *definition, depth int) error {
	if err := p.next(); err != nil {
		return err
	}
	if p.kind == lexName && p.text != "on" {
		d.spreads = append(d.spreads, p.text)
		if err := p.next(); err != nil {
			return err
		}
		return p.directives()
	}
	if p.kind == lexName {
		if err := p.nextName(); err != nil {
			return err
		}
	}
	if err := p.directives(); err != nil {
		return err
	}
	return p.selections(d, depth+1)
}

func (p *documentParser) directives() error {
	for p.is("@") {
		if err := p.nextName(); err != nil {
			return err
		}
		if err := p.skipIf("("); err != nil {
			return err
		}
	}
	return nil
}

// name takes a name.
func (p *documentParser) name() (string, error) {
	if p.kind != lexName {
		return "", errGraphQL
	}
	name := p.text
	return name, p.next()
}

// nextName takes what is here, and the name behind it.
func (p *documentParser) nextName() error {
	if err := p.next(); err != nil {
		return err
	}
	_, err := p.name()
	return err
}

func (p *documentParser) is(mark string) bool { return p.kind == lexMark && p.text == mark }

// skipIf passes what stands in brackets, if such a one opens here.
func (p *documentParser) skipIf(open string) error {
	if !p.is(open) {
		return nil
	}
	var closing []byte
	for {
		if p.kind == lexEnd {
			return errGraphQL
		}
		if p.kind == lexMark {
			switch c := p.text[0]; c {
			case '(':
				closing = append(closing, ')')
			case '[':
				closing = append(closing, ']')
			case '{':
				closing = append(closing, '}')
			case ')', ']', '}':
				if closing[len(closing)-1] != c {
					return errGraphQL
				}
				closing = closing[:len(closing)-1]
			}
		}
		if len(closing) > maxBracketDepth {
			return errGraphQL
		}
		if err := p.next(); err != nil {
			return err
		}
		if len(closing) == 0 {
			return nil
		}
	}
}
