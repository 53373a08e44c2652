package zapaudit_test

import (
	"fmt"

	"go.uber.org/zap"

	"github.com/seed-a2d3eaca/keyholder/audit/zapaudit"
)

func ExampleNewAnchor() {
	anchor := zapaudit.NewAnchor(zap.NewNop(), nil)
	fmt.Println(anchor.Name())
	// Output: zap
}
