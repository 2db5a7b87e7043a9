"""The kitchen's alarms on the till, in a real browser against a running hub (`hub serve --demo`): see browser_test.py.

The demo's kitchen has no screen until the test opens one, so what it orders is seen by nobody.
"""

import unittest

from browser_test import Api, RESTAURANT, Screen, a_table


class AlarmsTest(unittest.TestCase):
    def setUp(self):
        self.api = Api("manager@demo.test")
        self.unseen_within(1)
        self.addCleanup(self.unseen_within, 10)
        self.till, self.kitchen = Screen(), Screen()
        for screen in (self.till, self.kitchen):
            self.addCleanup(screen.driver.quit)

    def unseen_within(self, seconds):
        self.api.call("PATCH", f"/api/v1/restaurants/{RESTAURANT}", {"unseen_seconds": seconds})

    def test_the_till_says_what_nobody_sees_in_the_kitchen_until_somebody_does(self):
        self.till.open("/till", "waiter@demo.test")
        steak = next(product for product in self.api.products() if "steak" in product["name"])
        self.api.order(a_table(), [steak])
        self.till.see(".alarm", "Grill has not seen")
        self.till.picture("till-alarm")
        self.till.driver.refresh()
        self.till.see(".alarm", "Grill has not seen")
        self.kitchen.open("/kitchen", "kitchen@demo.test")
        self.kitchen.see(".card")
        self.till.gone(".alarm", "Grill")

        # A screen that shows one station leaves the others without; a choice of all brings them back.
        self.kitchen.see(".station", "Cold").click()
        self.till.see(".alarm", "No screen shows Grill")
        self.till.gone(".alarm", "No screen shows Cold")
        self.kitchen.see(".station", "All").click()
        self.till.gone(".alarm")
        for screen in (self.till, self.kitchen):
            self.assertEqual(screen.complaints(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
