// Package deploy tests what the program is deployed with: docker-compose.yml,
// Dockerfile and the files here, and what the operator's pages say of them. It
// is a module of its own, so that the program does not depend on the libraries
// of Compose, Kubernetes and Envoy.
package deploy
