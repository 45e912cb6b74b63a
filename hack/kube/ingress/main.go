// Command ingress keeps an HAProxy in step with the cluster's Ingress objects
// and writes their status. HAProxy does all the traffic; this program only
// writes its configuration. It follows one ingress class, plain HTTP, and the
// rules of networking.k8s.io/v1 (hosts, paths of type Exact and Prefix,
// default backends); it does not know TLS, annotations or wildcard hosts.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Changes come in bursts (a rollout touches many endpoints): wait this long
// for the burst to end, so that HAProxy is not reloaded for each.
const settle = 200 * time.Millisecond

func main() {
	class := flag.String("class", "haproxy", "the ingress class to serve")
	published := flag.String("published-service", "", "namespace/name of the Service whose addresses go into the status")
	file := flag.String("file", "/tmp/haproxy.cfg", "where to write HAProxy's configuration")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *class, *published, *file); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, class, published, file string) error {
	config, err := rest.InClusterConfig()
	if err != nil {
		return fmt.Errorf("could not find the cluster (this runs in a pod): %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	factory := informers.NewSharedInformerFactory(client, 0)
	world := watch(factory, changed)
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	var proxy *exec.Cmd
	var ended chan error
	var last []byte
	for ctx.Err() == nil {
		ingresses, err := world.ofClass(class)
		if err != nil {
			return err
		}
		if text := render(ingresses, world); !bytes.Equal(text, last) {
			last = text
			if err := os.WriteFile(file, text, 0o644); err != nil {
				return err
			}
			if proxy == nil {
				proxy, ended, err = start(file)
			} else {
				err = proxy.Process.Signal(syscall.SIGUSR2) // the master starts new workers, and lets the old finish
			}
			if err != nil {
				return fmt.Errorf("could not (re)load haproxy: %w", err)
			}
		}
		publish(ctx, client, world, ingresses, published)
		select {
		case <-ctx.Done():
		case err := <-ended:
			return fmt.Errorf("haproxy ended: %w", err)
		case <-changed:
			time.Sleep(settle)
		}
	}
	return nil
}

func start(file string) (*exec.Cmd, chan error, error) {
	proxy := exec.Command("haproxy", "-W", "-db", "-f", file)
	proxy.Stdout, proxy.Stderr = os.Stdout, os.Stderr
	if err := proxy.Start(); err != nil {
		return nil, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- proxy.Wait() }()
	return proxy, ended, nil
}

// watch follows all that the configuration is made of, and marks each change.
func watch(factory informers.SharedInformerFactory, changed chan<- struct{}) *lister {
	world := &lister{
		ingresses: factory.Networking().V1().Ingresses().Lister(),
		services:  factory.Core().V1().Services().Lister(),
		slices:    factory.Discovery().V1().EndpointSlices().Lister(),
		all:       labels.Everything(),
	}
	mark := func() {
		select {
		case changed <- struct{}{}:
		default: // one mark stands for any number of changes
		}
	}
	for _, informer := range []cache.SharedIndexInformer{
		factory.Networking().V1().Ingresses().Informer(),
		factory.Core().V1().Services().Informer(),
		factory.Discovery().V1().EndpointSlices().Informer(),
	} {
		// The error is only of an informer that has been stopped.
		_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { mark() },
			UpdateFunc: func(any, any) { mark() },
			DeleteFunc: func(any) { mark() },
		})
	}
	return world
}
