module github.com/seed-a2d3eaca/keyholder/credentials/recur

go 1.26.0

require (
	github.com/seed-a2d3eaca/keyholder v0.0.0
	github.com/stretchr/testify v1.12.1
	github.com/teambition/rrule-go v1.8.2
	pgregory.net/rapid v1.3.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect

replace github.com/seed-a2d3eaca/keyholder => ../..
