module github.com/seed-a2d3eaca/keyholder/credentials/tink

go 1.26.0

require (
	github.com/seed-a2d3eaca/keyholder v0.0.0
	github.com/stretchr/testify v1.12.1
	github.com/tink-crypto/tink-go/v2 v2.9.0
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	google.golang.org/protobuf v1.36.11 // indirect
)

replace github.com/seed-a2d3eaca/keyholder => ../..
