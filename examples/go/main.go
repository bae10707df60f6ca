// A counter actor over HTTP; go run ., then: ringside serve --app http://127.0.0.1:8080
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
)

type object = map[string]any

var (
	lock   sync.Mutex
	counts = map[string]int{}
	fences = map[string]uint64{} // a fence outlives its actor
	record *os.File
)

func serve(w http.ResponseWriter, r *http.Request) {
	lock.Lock()
	defer lock.Unlock()
	w.Header().Set("ringside-app-instance", strconv.Itoa(os.Getpid()))
	parts := strings.Split(r.URL.Path, "/") // /actors/{id}/apply or /actors/{id}/method/{path}
	switch {
	case parts[1] != "actors":
		if r.URL.Path != "/healthz" {
			w.WriteHeader(404)
		}
		return
	case r.Method == "DELETE" && len(parts) < 3:
		counts = map[string]int{}
		return
	case r.Method == "DELETE":
		delete(counts, parts[2])
		return
	}
	id := parts[2]
	epoch, _ := strconv.ParseUint(r.Header.Get("ringside-epoch"), 10, 64)
	if epoch < fences[id] {
		http.Error(w, "an older activation", 409)
		return
	}
	fences[id] = epoch
	batch := struct{ Messages []struct{ Value any } }{}
	if parts[3] == "apply" {
		json.NewDecoder(r.Body).Decode(&batch)
	} else {
		batch.Messages = []struct{ Value any }{{r.URL.Path}}
	}
	counts[id] += len(batch.Messages)
	for _, message := range batch.Messages {
		fmt.Fprintln(record, id, epoch, message.Value)
	}
	var reply any = object{"app": "Go", "count": counts[id], "epoch": epoch}
	if parts[3] == "apply" {
		reply = object{"accepted": true, "replies": []object{
			{"@type": "type.googleapis.com/google.protobuf.Struct", "value": reply}}}
	}
	w.Header().Set("content-type", "application/json")
	json.NewEncoder(w).Encode(reply)
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	record, _ = os.OpenFile(env("RECORD", os.DevNull), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	listener, err := net.Listen("tcp", "127.0.0.1:"+env("PORT", "8080"))
	if err != nil {
		panic(err)
	}
	fmt.Println("listening on", listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, http.HandlerFunc(serve)))
}
