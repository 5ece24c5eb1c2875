// Reads YAML documents as Kubernetes does: one JSON string per line comes in, one line of JSON goes out for each, with what
// sigs.k8s.io/yaml makes of it, or why it makes nothing.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"

	"sigs.k8s.io/yaml"
)

type answer struct {
	Value json.RawMessage `json:"value"`
	Error string          `json:"error,omitempty"`
}

func main() {
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := json.NewEncoder(os.Stdout)
	for in.More() {
		var document string
		if err := in.Decode(&document); err != nil {
			log.Fatal(err)
		}
		if err := out.Encode(read(document)); err != nil {
			log.Fatal(err)
		}
	}
}

func read(document string) answer {
	value, err := yaml.YAMLToJSON([]byte(document))
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Value: value}
}
