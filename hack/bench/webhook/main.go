// A minimal admission webhook for NetReach on Go's net/http, to measure ours against: one review decoded strictly, checked against
// the same bounds, answered with a patch of what is unset. It knows nothing of warnings, updates or field paths of every fault.
package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"time"
)

const bodyBytesMax = 1 << 20

type review struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Request    *request  `json:"request,omitempty"`
	Response   *response `json:"response,omitempty"`
}

type request struct {
	UID       string          `json:"uid"`
	Kind      map[string]any  `json:"kind"`
	Operation string          `json:"operation"`
	Object    json.RawMessage `json:"object"`
}

type response struct {
	UID       string  `json:"uid"`
	Allowed   bool    `json:"allowed"`
	PatchType *string `json:"patchType,omitempty"`
	Patch     []byte  `json:"patch,omitempty"`
	Status    any     `json:"status,omitempty"`
}

type object struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       spec           `json:"spec"`
	Status     map[string]any `json:"status"`
}

type spec struct {
	AgentSpec *agents   `json:"agentSpec"`
	Expect    *expect   `json:"expect"`
	Request   *load     `json:"request"`
	Schedule  *schedule `json:"schedule"`
	Target    *target   `json:"target"`
	Suspend   *bool     `json:"suspend"`
}

type agents struct {
	Annotation         map[string]string `json:"annotation"`
	Kind               *string           `json:"kind"`
	DeploymentReplicas *int              `json:"deploymentReplicas"`
	Affinity           map[string]any    `json:"affinity"`
	Env                []map[string]any  `json:"env"`
	HostNetwork        *bool             `json:"hostNetwork"`
	Resources          map[string]any    `json:"resources"`
	GraceMinutes       *int64            `json:"terminationGracePeriodMinutes"`
}

type expect struct {
	MeanAccessDelayInMs *int64   `json:"meanAccessDelayInMs"`
	SuccessRate         *float64 `json:"successRate"`
	StatusCode          *int     `json:"statusCode"`
}

type load struct {
	DurationInSecond      *int64  `json:"durationInSecond"`
	PerRequestTimeoutInMS *int64  `json:"perRequestTimeoutInMS"`
	QPS                   *int64  `json:"qps"`
	PeersPerRound         *int64  `json:"peersPerRound"`
	Connection            *string `json:"connection"`
}

type schedule struct {
	RoundNumber        *int64  `json:"roundNumber"`
	RoundTimeoutMinute *int64  `json:"roundTimeoutMinute"`
	Schedule           *string `json:"schedule"`
	TimeZone           *string `json:"timeZone"`
}

type target struct {
	ClusterIP           *bool `json:"clusterIP"`
	Endpoint            *bool `json:"endpoint"`
	Ingress             *bool `json:"ingress"`
	IPv4                *bool `json:"ipv4"`
	IPv6                *bool `json:"ipv6"`
	LoadBalancer        *bool `json:"loadBalancer"`
	MultusInterface     *bool `json:"multusInterface"`
	NodePort            *bool `json:"nodePort"`
	EnableLatencyMetric *bool `json:"enableLatencyMetric"`
}

type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

func within(faults *[]string, path string, value *int64, low, high int64) {
	if value != nil && (*value < low || *value > high) {
		*faults = append(*faults, fmt.Sprintf("%s: %d is not from %d to %d", path, *value, low, high))
	}
}

func check(s *spec) []string {
	var faults []string
	if r := s.Request; r != nil {
		within(&faults, "spec.request.durationInSecond", r.DurationInSecond, 1, 3600)
		within(&faults, "spec.request.perRequestTimeoutInMS", r.PerRequestTimeoutInMS, 1, 604800000)
		within(&faults, "spec.request.qps", r.QPS, 1, 10000)
		within(&faults, "spec.request.peersPerRound", r.PeersPerRound, 0, 5000)
		if r.Connection != nil && *r.Connection != "new" && *r.Connection != "reuse" {
			faults = append(faults, "spec.request.connection: must be new or reuse")
		}
	}
	if e := s.Expect; e != nil {
		within(&faults, "spec.expect.meanAccessDelayInMs", e.MeanAccessDelayInMs, 1, 1<<31)
		if e.SuccessRate != nil && (*e.SuccessRate < 0 || *e.SuccessRate > 1) {
			faults = append(faults, "spec.expect.successRate: must be from 0 to 1")
		}
	}
	if c := s.Schedule; c != nil {
		within(&faults, "spec.schedule.roundTimeoutMinute", c.RoundTimeoutMinute, 1, 10080)
		within(&faults, "spec.schedule.roundNumber", c.RoundNumber, -1, 1<<31)
		if c.Schedule != nil && len(strings.Fields(*c.Schedule)) != 2 && len(strings.Fields(*c.Schedule)) != 5 {
			faults = append(faults, "spec.schedule.schedule: must have two fields or five")
		}
		if c.TimeZone != nil {
			if _, err := time.LoadLocation(*c.TimeZone); err != nil {
				faults = append(faults, "spec.schedule.timeZone: is unknown")
			}
		}
	}
	return faults
}

func add[T any](patch *[]operation, path string, value *T, unset any) {
	if value == nil {
		*patch = append(*patch, operation{"add", path, unset})
	}
}

func fill(s *spec) []operation {
	patch := []operation{}
	add(&patch, "/spec/suspend", s.Suspend, false)
	if s.Request != nil {
		add(&patch, "/spec/request/connection", s.Request.Connection, "new")
		add(&patch, "/spec/request/peersPerRound", s.Request.PeersPerRound, 0)
	} else {
		add(&patch, "/spec/request", s.Request, map[string]any{"durationInSecond": 2, "perRequestTimeoutInMS": 500, "qps": 5, "connection": "new"})
	}
	if s.Schedule != nil {
		add(&patch, "/spec/schedule/schedule", s.Schedule.Schedule, "0 60")
		add(&patch, "/spec/schedule/timeZone", s.Schedule.TimeZone, "UTC")
	} else {
		add(&patch, "/spec/schedule", s.Schedule, map[string]any{"roundNumber": 1, "roundTimeoutMinute": 60, "schedule": "0 60"})
	}
	if s.Target != nil {
		add(&patch, "/spec/target/ipv4", s.Target.IPv4, true)
		add(&patch, "/spec/target/ipv6", s.Target.IPv6, false)
	}
	return patch
}

func answer(asked *request) (*response, error) {
	decoder := json.NewDecoder(bytes.NewReader(asked.Object))
	decoder.DisallowUnknownFields()
	var o object
	if err := decoder.Decode(&o); err != nil {
		return &response{UID: asked.UID, Status: map[string]any{"code": 422, "message": err.Error()}}, nil
	}
	if faults := check(&o.Spec); len(faults) > 0 {
		return &response{UID: asked.UID, Status: map[string]any{"code": 422, "message": strings.Join(faults, "; ")}}, nil
	}
	patch, err := json.Marshal(fill(&o.Spec))
	if err != nil {
		return nil, err
	}
	kind := "JSONPatch"
	return &response{UID: asked.UID, Allowed: true, PatchType: &kind, Patch: patch}, nil
}

func handle(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyBytesMax))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	var asked review
	if err := json.Unmarshal(body, &asked); err != nil || asked.Request == nil {
		http.Error(w, "no review", http.StatusBadRequest)
		return
	}
	said, err := answer(asked.Request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review{APIVersion: asked.APIVersion, Kind: asked.Kind, Response: said})
}

func main() {
	listen := flag.String("listen", "127.0.0.1:9444", "where to serve")
	certificates := flag.String("certificates", ".", "folder with tls.crt and tls.key")
	flag.Parse()
	server := &http.Server{Addr: *listen, Handler: http.HandlerFunc(handle), ReadTimeout: 30 * time.Second}
	server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	log.Fatal(server.ListenAndServeTLS(*certificates+"/tls.crt", *certificates+"/tls.key"))
}
