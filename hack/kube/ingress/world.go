package main

import (
	"context"
	"log"
	"net"
	"reflect"
	"sort"
	"strconv"
	"strings"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelist "k8s.io/client-go/listers/core/v1"
	slicelist "k8s.io/client-go/listers/discovery/v1"
	ingresslist "k8s.io/client-go/listers/networking/v1"
)

// lister answers from the informers' caches.
type lister struct {
	ingresses ingresslist.IngressLister
	services  corelist.ServiceLister
	slices    slicelist.EndpointSliceLister
	all       labels.Selector
}

// ofClass lists the ingresses of one class, in a lasting order.
func (l *lister) ofClass(class string) ([]*networking.Ingress, error) {
	every, err := l.ingresses.List(l.all)
	if err != nil {
		return nil, err
	}
	var mine []*networking.Ingress
	for _, ingress := range every {
		if name := ingress.Spec.IngressClassName; name != nil && *name == class {
			mine = append(mine, ingress)
		}
	}
	sort.Slice(mine, func(i, j int) bool {
		return mine[i].Namespace+"/"+mine[i].Name < mine[j].Namespace+"/"+mine[j].Name
	})
	return mine, nil
}

// endpoints lists host:port of the ready endpoints behind one port of a
// Service, of the Service's first address family alone: both would be the
// same pods twice.
func (l *lister) endpoints(namespace string, backend *networking.IngressServiceBackend) []string {
	service, err := l.services.Services(namespace).Get(backend.Name)
	if err != nil || len(service.Spec.IPFamilies) == 0 {
		return nil
	}
	selector := labels.SelectorFromSet(labels.Set{discovery.LabelServiceName: backend.Name})
	slices, err := l.slices.EndpointSlices(namespace).List(selector)
	if err != nil {
		return nil
	}
	var found []string
	for _, port := range service.Spec.Ports {
		if port.Name != backend.Port.Name && port.Port != backend.Port.Number {
			continue
		}
		for _, slice := range slices {
			if string(slice.AddressType) == string(service.Spec.IPFamilies[0]) {
				found = append(found, ready(slice, port.Name)...)
			}
		}
	}
	sort.Strings(found)
	return found
}

func ready(slice *discovery.EndpointSlice, portName string) []string {
	var found []string
	for _, port := range slice.Ports {
		if port.Port == nil || port.Name == nil || *port.Name != portName {
			continue
		}
		for _, endpoint := range slice.Endpoints {
			if is := endpoint.Conditions.Ready; is == nil || *is {
				found = append(found, net.JoinHostPort(endpoint.Addresses[0], strconv.Itoa(int(*port.Port))))
			}
		}
	}
	return found
}

// publish writes the published Service's addresses into the status of each
// ingress that does not show them yet. Every replica writes the same, so no
// leader is needed; a conflict is mended at the next change.
func publish(ctx context.Context, client kubernetes.Interface, world *lister, ingresses []*networking.Ingress, published string) {
	namespace, name, _ := strings.Cut(published, "/")
	service, err := world.services.Services(namespace).Get(name)
	if err != nil {
		return
	}
	want := addresses(service)
	for _, ingress := range ingresses {
		if reflect.DeepEqual(want, ingress.Status.LoadBalancer.Ingress) {
			continue
		}
		changed := ingress.DeepCopy()
		changed.Status.LoadBalancer.Ingress = want
		_, err := client.NetworkingV1().Ingresses(ingress.Namespace).UpdateStatus(ctx, changed, meta.UpdateOptions{})
		if err != nil {
			log.Printf("could not write the status of ingress %s/%s: %v", ingress.Namespace, ingress.Name, err)
		}
	}
}

func addresses(service *core.Service) []networking.IngressLoadBalancerIngress {
	var found []networking.IngressLoadBalancerIngress
	for _, address := range service.Status.LoadBalancer.Ingress {
		found = append(found, networking.IngressLoadBalancerIngress{IP: address.IP, Hostname: address.Hostname})
	}
	return found
}
