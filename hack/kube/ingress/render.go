package main

import (
	"bytes"
	"fmt"
	"regexp"
	"sort"

	networking "k8s.io/api/networking/v1"
)

// backends is what render needs to know of the cluster beside the ingresses.
type backends interface {
	endpoints(namespace string, backend *networking.IngressServiceBackend) []string
}

// What may stand in HAProxy's configuration as it is. An ingress is written
// by any user of the cluster: a path with a line break would otherwise write
// our configuration.
var (
	plainHost = regexp.MustCompile(`^[a-z0-9.-]*$`)
	plainPath = regexp.MustCompile(`^/[A-Za-z0-9/._~%:@!&+,;=-]*$`)
)

const head = `global
  maxconn 4096
  log stdout format raw local0 notice
defaults
  mode http
  log global
  option forwardfor
  timeout connect 2s
  timeout client 30s
  timeout server 30s
frontend health
  bind :::8081 v4v6
  monitor-uri /healthz
frontend web
  bind :::8080 v4v6
`

// rule is one line of the frontend: which requests go to which backend.
type rule struct {
	host, path string
	exact      bool
	backend    int
}

// render makes HAProxy's configuration. The same objects give the same text.
func render(ingresses []*networking.Ingress, world backends) []byte {
	var rules []rule
	var servers [][]string
	add := func(ingress *networking.Ingress, host, path string, exact bool, backend *networking.IngressBackend) {
		if backend == nil || backend.Service == nil || !plainHost.MatchString(host) || !plainPath.MatchString(path) {
			return
		}
		rules = append(rules, rule{host, path, exact, len(servers)})
		servers = append(servers, world.endpoints(ingress.Namespace, backend.Service))
	}
	for _, ingress := range ingresses {
		for _, r := range ingress.Spec.Rules {
			if r.HTTP == nil {
				continue
			}
			for _, p := range r.HTTP.Paths {
				path := p.Path
				if path == "" {
					path = "/"
				}
				exact := p.PathType != nil && *p.PathType == networking.PathTypeExact
				add(ingress, r.Host, path, exact, &p.Backend)
			}
		}
		add(ingress, "", "/", false, ingress.Spec.DefaultBackend)
	}
	// HAProxy takes the first line that fits: so a named host before any
	// host, then the longer path, then Exact before Prefix.
	sort.SliceStable(rules, func(i, j int) bool {
		a, b := rules[i], rules[j]
		switch {
		case (a.host != "") != (b.host != ""):
			return a.host != ""
		case len(a.path) != len(b.path):
			return len(a.path) > len(b.path)
		default:
			return a.exact && !b.exact
		}
	})
	out := bytes.NewBufferString(head)
	for _, r := range rules {
		fmt.Fprintf(out, "  use_backend b%d if %s\n", r.backend, r.condition())
	}
	fmt.Fprint(out, "  default_backend none\nbackend none\n  http-request return status 404\n")
	for i, list := range servers {
		fmt.Fprintf(out, "backend b%d\n", i)
		for j, server := range list {
			fmt.Fprintf(out, "  server s%d %s\n", j, server)
		}
	}
	return out.Bytes()
}

func (r rule) condition() string {
	host := ""
	if r.host != "" {
		host = fmt.Sprintf("{ hdr(host),field(1,:) -i %s } ", r.host)
	}
	path := r.path
	if r.exact {
		return host + fmt.Sprintf("{ path %s }", path)
	}
	// Prefix goes by whole elements: /a holds /a and /a/b, not /ab.
	if path[len(path)-1] == '/' {
		return host + fmt.Sprintf("{ path_beg %s }", path)
	}
	return host + fmt.Sprintf("{ path %s } || %s{ path_beg %s/ }", path, host, path)
}
