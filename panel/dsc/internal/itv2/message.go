package itv2

// Message is a body that is understood.
type Message interface {
	// Command is the number under which the body travels.
	Command() Command
	// Append writes the body: what follows the command and its sequence.
	Append(dst []byte) []byte
}

// Parse reads a body. [ErrCommand] says that the command is not one of this package's,
// [ErrBody] that the body does not fit.
func Parse(c Command, body []byte) (Message, error) {
	r := &reader{b: body}
	m := parse(c, r)
	if m == nil {
		return nil, ErrCommand
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return m, nil
}

func parse(c Command, r *reader) Message {
	switch c {
	case CmdOpenSession:
		return parseOpenSession(r)
	case CmdAccess:
		return Access{Init: r.bytes(int(r.byte()))}
	case CmdResponse:
		return Response{Result: Result(r.byte())}
	case CmdNack:
		return parseNack(r)
	case CmdPoll, CmdEndSession:
		return Bare{Of: c}
	case CmdSeveral:
		return parseSeveral(r)
	case CmdRequest:
		return Request{Of: Command(r.uint16()), Body: r.bytes(len(r.b))}
	case CmdCapabilities:
		return Capabilities{Zones: r.int(), Users: r.int(), Partitions: r.int(), Fobs: r.int(), Tags: r.int(), Outputs: r.int()}
	case CmdCodeLength:
		return CodeLength{Digits: int(r.byte())}
	case CmdEnter:
		return Enter{Partition: r.int(), Mode: Mode(r.byte()), Code: r.bytes(int(r.byte())), Write: r.byte() == 1}
	case CmdExit:
		return Exit{Partition: r.int()}
	case CmdLead:
		return parseLead(r)
	case CmdReadCodes, CmdReadFlags, CmdReadMasks, CmdReadKinds:
		return Range{Of: c, Start: r.int(), Count: r.int()}
	case CmdCodes, CmdWriteCodes:
		return parseCodes(c, r)
	case CmdFlags, CmdWriteFlags, CmdKinds:
		return parseOctets(c, r)
	case CmdMasks, CmdWriteMasks, CmdMasksChanged:
		return parseMasks(c, r)
	case CmdWriteLabels:
		return parseWriteLabels(r)
	case CmdLabels:
		return parseLabels(r)
	case CmdUsersChanged:
		return UsersChanged{What: r.byte(), Count: r.int(), Start: r.int(), End: r.int()}
	case CmdArming:
		return Arming{Partition: r.int(), Mode: r.byte(), Method: r.byte(), User: r.int()}
	}
	return nil
}
