"""How long, how often and of what size: the whole run and the short one."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Plan:
    rounds: int = 3
    echo_seconds: float = 0.6
    echo_sockets: tuple = (1, 100, 1000)
    echo_sizes: tuple = (32, 1024, 65536)
    peers_everywhere: bool = True
    ping_seconds: float = 1.0
    fanout_seconds: float = 2.0
    fanout_sockets: tuple = (1000, 10_000)
    idle_sockets: int = 10_000
    idle_seconds: float = 12
    held_sockets: int = 50_000
    churned: int = 100_000
    churn_limit: float = 60
    connect_seconds: float = 1.5
    request_seconds: float = 2
    growth_seconds: float = 1.5
    growth_sockets: tuple = (10, 100, 1000, 10_000)
    growth_channels: tuple = (10, 1000, 100_000)
    order_seconds: float = 6
    orders_a_second: int = 200
    kitchen_sockets: int = 100
    tills: int = 8
    cost_rounds: int = 3
    cost_seconds: float = 1
    cost_writers: tuple = (1, 8)
    feed_seconds: float = 1.5
    feed_rates: tuple = (100, 1000)
    nodes: int = 10
    node_seconds: float = 5
    node_sockets: int = 20
    node_orders: int = 10
    whole_rounds: int = 1
    whole_seconds: float = 1.5
    whole_tries: int = 6
    whole_sockets: tuple = (100, 1000)
    whole_batches: tuple = (1, 16)


SHORT = Plan(
    rounds=1, echo_seconds=0.25, echo_sockets=(1, 100), echo_sizes=(32, 65536), peers_everywhere=False,
    ping_seconds=0.3, fanout_seconds=1, fanout_sockets=(1000,), idle_sockets=1000, idle_seconds=0.5,
    held_sockets=3000, churned=5000, churn_limit=5, connect_seconds=0.5, request_seconds=0.5, growth_seconds=0.5,
    growth_sockets=(10, 1000), growth_channels=(10, 1000), order_seconds=2,
    cost_rounds=1, cost_seconds=0.3, cost_writers=(4,), feed_seconds=0.5, feed_rates=(100,), nodes=3, node_seconds=1.5,
    whole_seconds=0.5, whole_tries=2, whole_sockets=(100,), whole_batches=(1,))
