package main

import (
	"strings"
	"testing"

	networking "k8s.io/api/networking/v1"
)

// oneEach has one endpoint for each Service, named after it.
type oneEach struct{}

func (oneEach) endpoints(_ string, backend *networking.IngressServiceBackend) []string {
	return []string{backend.Name + ":1"}
}

// check renders one ingress with a rule for each "host path type service" and compares the frontend's choices.
func check(t *testing.T, rules []string, want ...string) {
	t.Helper()
	ingress := &networking.Ingress{}
	for _, line := range rules {
		f := strings.Split(line, " ")
		kind := networking.PathType(f[2])
		backend := networking.IngressBackend{Service: &networking.IngressServiceBackend{Name: f[3]}}
		path := networking.HTTPIngressPath{Path: f[1], PathType: &kind, Backend: backend}
		value := networking.IngressRuleValue{HTTP: &networking.HTTPIngressRuleValue{Paths: []networking.HTTPIngressPath{path}}}
		ingress.Spec.Rules = append(ingress.Spec.Rules, networking.IngressRule{Host: f[0], IngressRuleValue: value})
	}
	var got []string
	for _, line := range strings.Split(string(render([]*networking.Ingress{ingress}, oneEach{})), "\n") {
		if strings.HasPrefix(line, "  use_backend ") {
			got = append(got, strings.TrimPrefix(line, "  use_backend "))
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestHostsThenLongerPathsThenExact(t *testing.T) {
	check(t,
		[]string{" / Prefix a", " /x Prefix b", " /x Exact c", "h.test / Prefix d"},
		"b3 if { hdr(host),field(1,:) -i h.test } { path_beg / }",
		"b2 if { path /x }",
		"b1 if { path /x } || { path_beg /x/ }",
		"b0 if { path_beg / }")
}

func TestWhatWouldWriteOurConfigurationIsLeftOut(t *testing.T) {
	check(t, []string{" /a}\nbackend Prefix a", "h{.test / Prefix b", " /c\n Prefix c"})
}
