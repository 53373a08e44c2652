module github.com/seed-a2d3eaca/keyholder/notify/webpush

go 1.26.0

require (
	github.com/SherClockHolmes/webpush-go v1.4.0
	github.com/seed-a2d3eaca/keyholder v0.0.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/golang-jwt/jwt/v5 v5.3.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.58.0 // indirect
)

replace github.com/seed-a2d3eaca/keyholder => ../..
