package scim

import "net/http"

// config says what the endpoint can do: RFC 7643, section 5.
func (s *session) config(*http.Request) (answer, error) {
	type supported struct {
		Supported bool `json:"supported"`
		Max       int  `json:"maxResults,omitempty"`
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":   supported{Supported: true}, "filter": supported{Supported: true, Max: maxUsers},
		"bulk":           map[string]any{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"changePassword": supported{}, "sort": supported{}, "etag": supported{},
		"authenticationSchemes": []map[string]any{{"type": "oauthbearertoken", "name": "API token", "description": "An API token of a service account."}},
		"meta":                  map[string]string{"resourceType": "ServiceProviderConfig", "location": s.o.Base + "/ServiceProviderConfig"},
	}}, nil
}

// types lists the kinds of resources: RFC 7643, section 6.
func (s *session) types(*http.Request) (answer, error) {
	users := map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": "User", "name": "User",
		"endpoint": "/Users", "schema": userSchema, "meta": map[string]string{"resourceType": "ResourceType", "location": s.o.Base + "/ResourceTypes/User"}}
	return answer{status: http.StatusOK, body: map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": 1, "startIndex": 1, "itemsPerPage": 1, "Resources": []any{users}}}, nil
}
