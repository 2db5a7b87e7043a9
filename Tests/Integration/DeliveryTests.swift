// The product's promise, tried on real hub processes: each subscriber gets every event of its channel once and in order,
// an event is there if and only if its transaction was committed, and a snapshot with what follows is the state.
// The suites are in Delivery*Tests.swift; they run one after another, since each keeps the machine busy by itself.
import Testing

@Suite(.serialized) enum DeliveryTests {}
