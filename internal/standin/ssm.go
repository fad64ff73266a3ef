package standin

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parameter is one of Parameter Store.
type Parameter struct {
	Name, Type, KeyID, Tier, Description, AllowedPattern, DataType string
	Values                                                         []string // by version, from 1
	Modified                                                       time.Time
}

// EditParameter lets f look at, or change, a parameter from outside; f is given nil if there is none.
func (s *Server) EditParameter(account, region, name string, f func(*Parameter)) {
	st := s.store(place{account, region})
	st.mu.Lock()
	defer st.mu.Unlock()
	f(st.parameters[name])
}

// AddParameter makes a parameter, or replaces it.
func (s *Server) AddParameter(account, region string, p Parameter) {
	st := s.store(place{account, region})
	st.mu.Lock()
	defer st.mu.Unlock()
	p.Modified = s.clock()
	st.parameters[p.Name] = &p
}

// Value is what readers get.
func (p *Parameter) Value() string { return p.Values[len(p.Values)-1] }

// limits are the largest values by tier.
var limits = map[string]int{"Standard": 4096, "Advanced": 8192}

func (st *store) putParameter(now time.Time, in input) (any, error) {
	p, exists := st.parameters[in.Name]
	if exists && !in.Overwrite {
		return nil, failed("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	}
	if err := checkParameter(p, in); err != nil {
		return nil, err
	}
	if !exists {
		p = &Parameter{Name: in.Name, Type: in.Type}
		st.parameters[in.Name] = p
	}
	p.Tier = in.Tier
	if p.Tier == "" {
		p.Tier = "Standard"
	}
	p.KeyID = in.KeyId
	if p.KeyID == "" && p.Type == "SecureString" {
		p.KeyID = "alias/aws/ssm"
	}
	p.DataType = in.DataType
	if p.DataType == "" {
		p.DataType = "text"
	}
	p.Description, p.AllowedPattern, p.Modified = in.Description, in.AllowedPattern, now
	p.Values = append(p.Values, in.Value)
	return map[string]any{"Version": len(p.Values), "Tier": p.Tier}, nil
}

// checkParameter says whether a put is legal; p is what is there, or nil.
func checkParameter(p *Parameter, in input) error {
	tier := in.Tier
	if tier == "" {
		tier = "Standard"
	}
	switch {
	case p != nil && in.Type != "" && in.Type != p.Type:
		return failed("HierarchyTypeMismatchException", "Parameter Store doesn't support changing a parameter type in a hierarchy.")
	case p == nil && in.Type == "":
		return failed("ValidationException", "A parameter type is required when you create a parameter.")
	case p != nil && p.Tier == "Advanced" && tier == "Standard":
		return failed("ValidationException", "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier.")
	case in.Value == "" || limits[tier] == 0 || len(in.Value) > limits[tier]:
		return failed("ValidationException", "The value does not fit the tier.")
	}
	if in.AllowedPattern != "" {
		if re, err := regexp.Compile(in.AllowedPattern); err != nil || !re.MatchString(in.Value) {
			return failed("ParameterPatternMismatchException", "Parameter value failed to satisfy constraint: AllowedPattern")
		}
	}
	return nil
}

func (st *store) getParameter(_ time.Time, in input) (any, error) {
	name, selector, selected := strings.Cut(in.Name, ":")
	p, ok := st.parameters[name]
	if !ok {
		return nil, failed("ParameterNotFound", "")
	}
	version := len(p.Values)
	if selected {
		n, err := strconv.Atoi(selector)
		if err != nil || n < 1 || n > version {
			return nil, failed("ParameterVersionNotFound", "Systems Manager could not find version "+selector+" of "+name+".")
		}
		version = n
	}
	value := p.Values[version-1]
	if p.Type == "SecureString" && !in.WithDecryption {
		value = "AQICAHg-encrypted"
	}
	return map[string]any{"Parameter": map[string]any{
		"Name": p.Name, "Type": p.Type, "Value": value, "Version": version, "DataType": p.DataType,
		"LastModifiedDate": seconds(p.Modified), "ARN": "arn:aws:ssm:" + st.region + ":" + st.account + ":parameter/" + strings.TrimPrefix(p.Name, "/"),
	}}, nil
}

func (st *store) describeParameters(_ time.Time, in input) (any, error) {
	list := []map[string]any{}
	for _, p := range st.parameters {
		if !matches(p, in.ParameterFilters) {
			continue
		}
		m := map[string]any{
			"Name": p.Name, "Type": p.Type, "Tier": p.Tier, "Version": len(p.Values), "DataType": p.DataType,
			"LastModifiedDate": seconds(p.Modified),
		}
		for k, v := range map[string]string{"KeyId": p.KeyID, "Description": p.Description, "AllowedPattern": p.AllowedPattern} {
			if v != "" {
				m[k] = v
			}
		}
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b map[string]any) int { return strings.Compare(a["Name"].(string), b["Name"].(string)) })
	return map[string]any{"Parameters": list}, nil
}

func matches(p *Parameter, filters []filter) bool {
	for _, f := range filters {
		if f.Key != "Name" || !slices.Contains(f.Values, p.Name) {
			return false
		}
	}
	return true
}

func (st *store) deleteParameter(_ time.Time, in input) (any, error) {
	if _, ok := st.parameters[in.Name]; !ok {
		return nil, failed("ParameterNotFound", "")
	}
	delete(st.parameters, in.Name)
	return map[string]any{}, nil
}
