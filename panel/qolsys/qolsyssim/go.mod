module github.com/seed-a2d3eaca/keyholder/panel/qolsys/qolsyssim

go 1.26.0

require (
	github.com/mochi-mqtt/server/v2 v2.7.9
	github.com/seed-a2d3eaca/keyholder v0.0.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/eclipse/paho.mqtt.golang v1.5.1 // indirect
	github.com/gorilla/websocket v1.5.3 // indirect
	github.com/rs/xid v1.4.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sync v0.17.0 // indirect
)

replace github.com/seed-a2d3eaca/keyholder => ../../..
