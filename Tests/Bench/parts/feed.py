"""Speed of the feed, from a writer's INSERT to every socket: four tables, each with its measurement in a file of its own.

What publishing costs the writer (feed_cost), events a second and how late they are (feed_rates), many nodes on one
database (feed_nodes), and the whole path beside FastAPI with asyncpg (feed_whole).
"""

from parts import feed_cost, feed_nodes, feed_rates, feed_whole


def measure(bench):
    for part in feed_cost, feed_rates, feed_nodes, feed_whole:
        yield part.measure(bench)
