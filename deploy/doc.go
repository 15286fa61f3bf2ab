// Package deploy tests what the program is deployed with: docker-compose.yml,
// Dockerfile and the files here. It is a module of its own, so that the program
// does not depend on the Compose library.
package deploy
