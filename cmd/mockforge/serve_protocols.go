package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// protocolFlags are those of serve that say what goes wrong with one protocol.
// Each group has a switch. The switch alone means what the others have as
// defaults; with others, only what they say goes wrong, as in a document.
type protocolFlags struct {
	grpc             bool
	grpcStatusCodes  string
	grpcInterruption float64

	websocket           bool
	websocketCloseCodes string
	websocketDrop       float64
	websocketCorruption float64

	graphql           bool
	graphqlErrorCodes string
	graphqlPartial    float64
	graphqlResolver   bool
}

func (f *protocolFlags) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.grpc, "chaos-grpc", false, "make gRPC calls fail; alone it means the probability below")
	flags.StringVar(&f.grpcStatusCodes, "chaos-grpc-status-codes", "", "of --chaos-grpc: statuses to answer one call in ten with, like 14,RESOURCE_EXHAUSTED")
	flags.Float64Var(&f.grpcInterruption, "chaos-grpc-stream-interruption-probability", 0.1, "of --chaos-grpc: share of calls that break off in the middle, 0-1")

	flags.BoolVar(&f.websocket, "chaos-websocket", false, "make WebSocket messages fail; alone it means the probabilities below")
	flags.StringVar(&f.websocketCloseCodes, "chaos-websocket-close-codes", "", "of --chaos-websocket: codes to close one connection in ten with, like 1008,1011")
	flags.Float64Var(&f.websocketDrop, "chaos-websocket-message-drop-probability", 0.05, "of --chaos-websocket: share of messages that are lost, 0-1")
	flags.Float64Var(&f.websocketCorruption, "chaos-websocket-message-corruption-probability", 0.05, "of --chaos-websocket: share of messages with a wrong payload, 0-1")

	flags.BoolVar(&f.graphql, "chaos-graphql", false, "make GraphQL operations fail; alone it means the probability below")
	flags.StringVar(&f.graphqlErrorCodes, "chaos-graphql-error-codes", "", "of --chaos-graphql: codes to answer one operation in ten with, like FORBIDDEN,INTERNAL_SERVER_ERROR")
	flags.Float64Var(&f.graphqlPartial, "chaos-graphql-partial-data-probability", 0.1, "of --chaos-graphql: share of responses with nulls and errors in the data, 0-1")
	flags.BoolVar(&f.graphqlResolver, "chaos-graphql-resolver-latency", false, "of --chaos-graphql: delay an operation for each field at its top")
}

// A protocolFlag is a flag of a protocol and its field in the section.
type protocolFlag struct {
	name, field string
	value       any  // of the flag, as a document has it
	alone       bool // the switch alone means it
}

// set writes a section for each protocol that is switched on.
func (f *protocolFlags) set(flags *pflag.FlagSet, c fields) error {
	for _, group := range []struct {
		section string
		on      bool
		members []protocolFlag
	}{
		{"grpc", f.grpc, []protocolFlag{
			{"chaos-grpc-status-codes", "status_codes", words(f.grpcStatusCodes), false},
			{"chaos-grpc-stream-interruption-probability", "stream_interruption_probability", f.grpcInterruption, true},
		}},
		{"websocket", f.websocket, []protocolFlag{
			{"chaos-websocket-close-codes", "close_codes", numbers(f.websocketCloseCodes), false},
			{"chaos-websocket-message-drop-probability", "message_drop_probability", f.websocketDrop, true},
			{"chaos-websocket-message-corruption-probability", "message_corruption_probability", f.websocketCorruption, true},
		}},
		{"graphql", f.graphql, []protocolFlag{
			{"chaos-graphql-error-codes", "error_codes", words(f.graphqlErrorCodes), false},
			{"chaos-graphql-partial-data-probability", "partial_data_probability", f.graphqlPartial, true},
			{"chaos-graphql-resolver-latency", "resolver_latency", f.graphqlResolver, false},
		}},
	} {
		section, alone := fields{}, fields{}
		for _, flag := range group.members {
			if flag.alone {
				alone[flag.field] = flag.value
			}
			if !flags.Changed(flag.name) {
				continue
			}
			if !group.on {
				return fmt.Errorf("--%s has no effect without --chaos-%s", flag.name, group.section)
			}
			if err := flag.check(group.section); err != nil {
				return err
			}
			section[flag.field] = flag.value
		}
		if len(section) == 0 {
			section = alone
		}
		if group.on {
			c[group.section] = section
		}
	}
	return nil
}

// check holds a flag's value to the rules of its field in a document.
func (f protocolFlag) check(section string) error {
	text, err := json.Marshal(fields{section: fields{f.field: f.value}})
	if err != nil {
		return fmt.Errorf("--%s: %v is not a number", f.name, f.value)
	}
	_, _, err = orchestrator.ParseConfig(text, orchestrator.JSON)
	invalid, ok := errors.AsType[*orchestrator.InvalidError](err)
	if !ok {
		return err
	}
	problem := invalid.Problems[0]
	problem.Line, problem.Column, problem.Path = 0, 0, ""
	return fmt.Errorf("--%s: %s", f.name, problem)
}

// words are what stands between commas.
func words(list string) []string {
	all := strings.Split(list, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// numbers are words, those that are whole numbers as such.
func numbers(list string) (all []any) {
	for _, word := range words(list) {
		if n, err := strconv.Atoi(word); err == nil {
			all = append(all, n)
			continue
		}
		all = append(all, word)
	}
	return all
}
