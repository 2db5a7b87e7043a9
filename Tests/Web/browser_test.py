"""The screens in a real browser against a running hub (`hub serve --demo`).

    HUB_URL=http://127.0.0.1:8080 SCREENSHOTS=/tmp/shots /usr/bin/python3 -m unittest Tests/Web/browser_test.py

Needs Debian's python3-selenium, chromium and chromium-driver. Each test orders at a table of its own, so they can
run against a hub in use and in any order. Nothing sleeps: every step waits for what a person would see.
"""

import json
import os
import random
import unittest
import urllib.parse
import urllib.request
import uuid

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from gate import Gate

HUB = os.environ.get("HUB_URL", "http://127.0.0.1:8080").rstrip("/")
SCREENSHOTS = os.environ.get("SCREENSHOTS")
RESTAURANT = "01900000-0000-7000-8000-000000000001"
PASSWORD = "demo-demo-demo"
SOON = 15  # seconds for what should take milliseconds
STALE = 45  # two heartbeat periods, and room


class Api:
    """The hub as another program sees it: what the screens did must show here too."""

    def __init__(self, email):
        self.token = None
        self.token = self.call("POST", "/api/v1/auth/login", {"email": email, "password": PASSWORD})["access_token"]

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(HUB + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def products(self):
        menu = self.call("GET", f"/api/v1/restaurants/{RESTAURANT}/menu")
        return [product for category in menu["categories"] for product in category["products"] if product["available"]]

    def order(self, table, products, **more):
        items = [{"product_id": product["id"], "quantity": 1} for product in products]
        body = {"restaurant_id": RESTAURANT, "order_type": "dine_in", "table": table, "items": items, **more}
        order = self.call("POST", "/api/v1/orders", body)
        return self.call("POST", f"/api/v1/orders/{order['id']}/confirm", {})

    def orders_of(self, table):
        query = urllib.parse.urlencode({"restaurant_id": RESTAURANT, "table": table})
        return self.call("GET", "/api/v1/orders?" + query)["items"]


class Screen:
    """One browser with one page."""

    def __init__(self, width=1280, height=800):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.set_page_load_timeout(30)
        self.resize(width, height)

    def resize(self, width, height):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def open(self, path, email, base=HUB):
        self.driver.get(base + path)
        self.see("input[name=email]").send_keys(email)
        self.see("input[name=password]").send_keys(PASSWORD)
        self.see("form button[type=submit]").click()
        self.wait(lambda: self.state() == "live", "the page becomes live")

    def state(self):
        return self.driver.execute_script("return document.documentElement.dataset.live")

    def wait(self, condition, what, limit=SOON):
        ignored = [StaleElementReferenceException]
        waiting = WebDriverWait(self.driver, limit, poll_frequency=0.05, ignored_exceptions=ignored)
        return waiting.until(lambda _: condition(), f"not within {limit} s: {what}")

    def all(self, selector):
        return [element for element in self.driver.find_elements(By.CSS_SELECTOR, selector) if element.is_displayed()]

    def see(self, selector, text="", limit=SOON):
        def find():
            return next((element for element in self.all(selector) if text in element.text), None)
        return self.wait(find, f"{selector} «{text}»", limit)

    def gone(self, selector, text="", limit=SOON):
        def is_gone():
            return not any(text in element.text for element in self.all(selector))
        self.wait(is_gone, f"no {selector} «{text}»", limit)

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def cards(self, table):
        script = """return [...document.querySelectorAll('.card')]
          .filter(card => card.querySelector('.card-table').textContent === arguments[0])"""
        return self.driver.execute_script(script, table)

    def statuses(self, table):
        return sorted(card.get_attribute("data-status") for card in self.cards(table))

    def tap(self, element):
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'nearest'})", element)
        element.click()

    def picture(self, name):
        if SCREENSHOTS:
            os.makedirs(SCREENSHOTS, exist_ok=True)
            self.driver.save_screenshot(os.path.join(SCREENSHOTS, name + ".png"))

    def complaints(self):
        """What the browser itself found wrong: exceptions, refused by CSP; not a network that the test took away."""
        lines = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [line for line in lines if not any(word in line for word in ("WebSocket", "net::ERR_", "status of 401"))]



def a_table():
    return str(random.randint(10_000, 99_999))


class ScreensTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = Api("manager@demo.test")
        cls.products = cls.manager.products()

    def screen(self, path, email, base=HUB, width=1280, height=800):
        screen = Screen(width, height)
        self.addCleanup(screen.driver.quit)
        screen.open(path, email, base)
        self.screens.append(screen)
        return screen

    def setUp(self):
        self.screens = []
        self.table = a_table()

    def tearDown(self):
        for screen in self.screens:
            self.assertEqual(screen.complaints(), [])
        for order in self.manager.orders_of(self.table):
            if order["status"] not in ("completed", "cancelled"):
                self.manager.call("POST", f"/api/v1/orders/{order['id']}/cancel", {"reason": "test over"})

    def product_of_station(self, count=1):
        """The first products, each of another station, so that tickets can be counted."""
        found = {}
        for product in self.products:
            found.setdefault(product["station_id"], product)
        return list(found.values())[:count]

    def kitchen_with(self, count=1, **more):
        kitchen = self.screen("/kitchen", "kitchen@demo.test", **more)
        order = self.manager.order(self.table, self.product_of_station(count))
        kitchen.wait(lambda: len(kitchen.cards(self.table)) == count, "the tickets are on the board")
        return kitchen, order

    def tap_tile(self, till, index=0):
        # The menu is read after the page is there, and drawn anew when it changes.
        def tap():
            tiles = till.all(".tile:not(:disabled)")
            if index < len(tiles):
                tiles[index].click()
                return True
            return False
        till.wait(tap, f"tile {index} can be tapped")

    def put_in_order(self, till, tiles=2):
        for index in range(tiles):
            self.tap_tile(till, index)
        field = till.see("input.table")
        field.clear()
        field.send_keys(self.table)

    def own_order(self, till, status=""):
        return till.see(f".order{status}", f"Table {self.table}")


class OrderJourney(ScreensTest):
    def test_an_order_placed_at_the_till_is_cooked_in_the_kitchen_and_comes_back_ready(self):
        kitchen = self.screen("/kitchen", "kitchen@demo.test")
        till = self.screen("/till", "waiter@demo.test")
        self.put_in_order(till)
        till.picture("till-order")
        till.see(".send").click()
        till.see(".toast", "sent to the kitchen")
        self.own_order(till, "[data-status=confirmed]")
        kitchen.wait(lambda: kitchen.cards(self.table), "the ticket reaches the kitchen")
        self.assertEqual(set(kitchen.statuses(self.table)), {"new"})
        kitchen.picture("kitchen-new")
        for card in kitchen.cards(self.table):
            kitchen.tap(card)
        kitchen.wait(lambda: set(kitchen.statuses(self.table)) == {"started"}, "all are started")
        self.own_order(till, "[data-status=preparing]")
        till.wait(lambda: "cooking" in self.own_order(till).text, "the till tells that the kitchen cooks")
        self.bump_until(kitchen, "ready")
        self.own_order(till, "[data-status=ready]")
        till.picture("till-ready")
        till.tap(self.own_order(till).find_element(By.CSS_SELECTOR, "[data-act=complete]"))
        till.gone(".order", f"Table {self.table}")
        kitchen.wait(lambda: not kitchen.cards(self.table), "the board lets go of a completed order")
        self.assertEqual([order["status"] for order in self.manager.orders_of(self.table)], ["completed"])

    def bump_until(self, kitchen, status):
        def step():
            for card in kitchen.cards(self.table):
                if card.get_attribute("data-status") != status:
                    kitchen.tap(card)
                    return False
            return True
        kitchen.wait(step, f"all are {status}")

    def test_a_double_tap_on_send_orders_once(self):
        till = self.screen("/till", "waiter@demo.test")
        self.put_in_order(till, tiles=1)
        till.driver.execute_script("const b = document.querySelector('.send'); b.click(); b.click(); b.click();")
        self.own_order(till)
        till.wait(lambda: till.see(".lines-empty"), "the order is off the pad")
        self.assertEqual(len(self.manager.orders_of(self.table)), 1)

    def test_what_the_hub_refuses_is_said_where_it_is_wrong(self):
        till = self.screen("/till", "waiter@demo.test")
        self.tap_tile(till)
        till.see(".send").click()
        self.assertTrue(till.see("#table-error").text)
        self.assertEqual(till.see("input.table").get_attribute("aria-invalid"), "true")
        till.picture("till-fault")
        till.see("input.table").send_keys(self.table)
        till.gone("#table-error")
        till.see(".send").click()
        self.own_order(till)

    def test_an_order_on_hold_goes_to_the_kitchen_when_confirmed(self):
        till = self.screen("/till", "waiter@demo.test")
        self.put_in_order(till, tiles=1)
        till.see(".hold").click()
        held = self.own_order(till, "[data-status=pending]")
        till.tap(held.find_element(By.CSS_SELECTOR, "[data-act=confirm]"))
        self.own_order(till, "[data-status=confirmed]")

    def test_wishes_and_notes_reach_the_cook(self):
        kitchen = self.screen("/kitchen", "kitchen@demo.test")
        till = self.screen("/till", "waiter@demo.test")
        self.put_in_order(till, tiles=1)
        till.see(".line-name").click()
        wish = till.see(".choice")
        wanted = wish.text
        wish.click()
        till.see("dialog input[name=note]").send_keys("On the side")
        till.see("dialog .primary").click()
        till.see(".send").click()
        kitchen.wait(lambda: kitchen.cards(self.table), "the ticket is there")
        card = kitchen.cards(self.table)[0]
        self.assertIn(wanted, card.find_element(By.CSS_SELECTOR, ".item-modifiers").text)
        self.assertEqual(card.find_element(By.CSS_SELECTOR, ".item-note").text, "On the side")

    def test_a_cancelled_order_stays_struck_through_in_the_kitchen_until_it_is_cleared(self):
        kitchen, _ = self.kitchen_with()
        till = self.screen("/till", "waiter@demo.test")
        till.tap(self.own_order(till).find_element(By.CSS_SELECTOR, "[data-act=cancel]"))
        till.see("dialog .choice").click()
        till.gone(".order", f"Table {self.table}")
        kitchen.wait(lambda: kitchen.statuses(self.table) == ["voided"], "the ticket is voided")
        name = kitchen.cards(self.table)[0].find_element(By.CSS_SELECTOR, ".item-name")
        self.assertIn("line-through", name.value_of_css_property("text-decoration"))
        kitchen.picture("kitchen-voided")
        kitchen.tap(kitchen.cards(self.table)[0])
        kitchen.wait(lambda: not kitchen.cards(self.table), "it is cleared")

    def test_a_product_that_is_sold_out_cannot_be_tapped_any_longer(self):
        till = self.screen("/till", "waiter@demo.test")
        till.see(".tile:not(:disabled)")
        tile = till.all(".tile:not(:disabled)")[-1]
        path = f"/api/v1/products/{tile.get_attribute('data-product')}"
        self.addCleanup(self.manager.call, "PATCH", path, {"available": True})
        self.manager.call("PATCH", path, {"available": False})
        till.wait(lambda: not tile.is_enabled(), "the tile is off")
        till.picture("till-sold-out")
        self.manager.call("PATCH", path, {"available": True})
        till.wait(lambda: tile.is_enabled(), "the tile is on again")


class Kitchen(ScreensTest):
    def test_a_served_ticket_can_be_recalled(self):
        kitchen, _ = self.kitchen_with(2)
        first = kitchen.cards(self.table)[0]
        for status in ("started", "ready"):
            kitchen.wait(lambda: self.tap_unless(kitchen, first, status), f"the ticket is {status}")
        kitchen.wait(lambda: self.tap_unless_gone(kitchen), "the ticket is served")
        kitchen.see(".recall-button").click()
        row = kitchen.see(".recall-row", f"Table {self.table}")
        kitchen.picture("kitchen-recall")
        row.click()
        kitchen.wait(lambda: kitchen.statuses(self.table) == ["new", "started"], "it is back and being cooked")
        kitchen.see(".tag", "Recalled")

    def tap_unless(self, kitchen, card, status):
        if card.get_attribute("data-status") == status:
            return True
        kitchen.tap(card)
        return False

    def tap_unless_gone(self, kitchen):
        ready = [card for card in kitchen.cards(self.table) if card.get_attribute("data-status") == "ready"]
        for card in ready:
            kitchen.tap(card)
        return len(kitchen.cards(self.table)) == 1

    def test_a_double_tap_is_one_step(self):
        kitchen, order = self.kitchen_with()
        kitchen.driver.execute_script("arguments[0].click(); arguments[0].click();", kitchen.cards(self.table)[0])
        kitchen.see(".card[data-status=started][data-moving=false] .card-table", self.table)
        tickets = self.manager.call("GET", f"/api/v1/orders/{order['id']}")["tickets"]
        self.assertEqual([ticket["status"] for ticket in tickets], ["started"])

    def test_everything_goes_by_keyboard(self):
        kitchen, _ = self.kitchen_with()
        kitchen.keys(Keys.ARROW_DOWN)
        focused = "return document.activeElement.closest('.card')?.querySelector('.card-table').textContent ?? null"
        total = len(kitchen.driver.find_elements(By.CSS_SELECTOR, ".card"))

        def select():
            column = [Keys.ARROW_UP] * total + [Keys.ARROW_DOWN] * total
            for direction in column + ([Keys.ARROW_RIGHT] + column) * 6:
                if kitchen.driver.execute_script(focused) == self.table:
                    return True
                kitchen.keys(direction)
            return False

        self.assertTrue(select(), "the arrows reach the ticket")
        kitchen.keys(Keys.ENTER)
        kitchen.wait(lambda: kitchen.statuses(self.table) == ["started"], "Enter starts")
        kitchen.picture("kitchen-keyboard")
        kitchen.wait(lambda: self.press_space(kitchen), "Space bumps")
        kitchen.keys("r")
        kitchen.see(".recall-row", f"Table {self.table}")
        kitchen.keys(Keys.ESCAPE)
        kitchen.gone("dialog")
        kitchen.keys("?")
        kitchen.see("dialog.help", "Enter or Space")
        kitchen.picture("kitchen-help")
        kitchen.keys(Keys.ESCAPE)
        kitchen.keys("1")
        kitchen.see(".board[data-layout=wall]")
        self.assertEqual(kitchen.see(".station[aria-pressed=true]").text, kitchen.all(".station")[1].text)
        kitchen.picture("kitchen-station")
        kitchen.keys("0")
        kitchen.see(".board[data-layout=columns]")

    def press_space(self, kitchen):
        if kitchen.statuses(self.table) == ["ready"]:
            return True
        if kitchen.statuses(self.table) == ["started"]:
            kitchen.keys(Keys.SPACE)
        return False

    def test_the_chosen_station_is_remembered(self):
        kitchen = self.screen("/kitchen", "kitchen@demo.test")
        station = kitchen.see(".station:nth-child(2)")
        name = station.find_element(By.CSS_SELECTOR, ".station-name").text
        station.click()
        kitchen.see(".board[data-layout=wall]")
        kitchen.driver.refresh()
        kitchen.see(".station[aria-pressed=true]", name)
        kitchen.see(".board[data-layout=wall]")

    def test_the_all_day_bar_counts_what_is_still_to_be_cooked(self):
        product = self.product_of_station()[0]
        kitchen = self.screen("/kitchen", "kitchen@demo.test")
        kitchen.see(".all-day-button").click()

        def count():
            rows = [row.text.split("\n") for row in kitchen.all(".day[data-kind=count]")]
            return next((int(row[0]) for row in rows if row[1] == product["name"]), 0)

        before = count()
        self.manager.order(self.table, [product, product])
        kitchen.wait(lambda: count() == before + 2, "both are counted")
        kitchen.wait(lambda: self.bump_all(kitchen), "the ticket is ready")
        kitchen.wait(lambda: count() == before, "what is ready is not counted")

    def bump_all(self, kitchen):
        for card in kitchen.cards(self.table):
            if card.get_attribute("data-status") != "ready":
                kitchen.tap(card)
                return False
        return True

    def test_touch_targets_are_large_and_nothing_is_cut_off_on_both_tablet_positions(self):
        for path, email in (("/kitchen", "kitchen@demo.test"), ("/till", "waiter@demo.test")):
            screen = self.screen(path, email)
            for width, height in ((1280, 800), (800, 1280)):
                screen.resize(width, height)
                small = screen.driver.execute_script("""return [...document.querySelectorAll(
                  '.station, .card-button, .recall-button, .help-button, .tab, .tile, .step, .send, .segment, .more')]
                  .filter(e => e.offsetParent && (e.offsetHeight < 60 || e.offsetWidth < 60)).map(e => e.className)""")
                self.assertEqual(small, [])
                fits = "const { scrollWidth: w, scrollHeight: h } = document.documentElement; return [w, h]"
                self.assertEqual(screen.driver.execute_script(fits), [width, height], path)
                screen.picture(f"{path[1:]}-{width}x{height}")

    def test_a_wrong_password_is_told_and_a_right_one_then_works(self):
        screen = Screen()
        self.addCleanup(screen.driver.quit)
        screen.driver.get(HUB + "/kitchen")
        screen.see("input[name=email]").send_keys("kitchen@demo.test")
        screen.see("input[name=password]").send_keys("not-this-one")
        screen.picture("sign-in")
        screen.see("form button").click()
        self.assertIn("not right", screen.see(".field-error").text)
        screen.see("input[name=password]").send_keys(PASSWORD, Keys.ENTER)
        screen.wait(lambda: screen.state() == "live", "signed in")


class Staleness(ScreensTest):
    def setUp(self):
        super().setUp()
        self.gate = Gate(HUB)
        self.addCleanup(self.gate.close)

    def must_call_itself_stale(self, screen, name):
        banner = screen.see("#stale", limit=STALE)
        self.assertIn("not up to date", banner.text.lower())
        self.assertRegex(banner.text, r"\d\d:\d\d:\d\d")
        self.assertEqual(banner.find_element(By.CSS_SELECTOR, ".stale-text").get_attribute("role"), "alert")
        self.assertEqual(banner.rect["width"], 1280)
        self.assertEqual(screen.state(), "stale")
        screen.picture(name)

    def must_recover(self, screen):
        screen.gone("#stale", limit=STALE)
        screen.wait(lambda: screen.state() == "live", "live again", STALE)

    def test_a_frozen_connection_makes_the_kitchen_stale_and_it_recovers_by_itself_with_what_it_missed(self):
        kitchen = self.screen("/kitchen", "kitchen@demo.test", base=self.gate.address)
        self.gate.freeze()
        self.manager.order(self.table, self.product_of_station())
        self.must_call_itself_stale(kitchen, "kitchen-stale")
        self.assertEqual(kitchen.cards(self.table), [])
        self.assertLess(float(kitchen.see(".board").value_of_css_property("opacity")), 0.6)
        self.gate.open()
        self.must_recover(kitchen)
        kitchen.wait(lambda: kitchen.statuses(self.table) == ["new"], "the order it missed is there")

    def test_a_cut_connection_makes_both_screens_stale_and_they_recover_by_themselves(self):
        kitchen = self.screen("/kitchen", "kitchen@demo.test", base=self.gate.address)
        till = self.screen("/till", "waiter@demo.test", base=self.gate.address)
        self.gate.cut()
        kitchen.see(".pill", "Reconnecting")
        self.must_call_itself_stale(kitchen, "kitchen-stale-cut")
        self.must_call_itself_stale(till, "till-stale")
        self.gate.open()
        self.must_recover(kitchen)
        self.must_recover(till)

    def test_a_short_cut_is_not_called_stale(self):
        kitchen = self.screen("/kitchen", "kitchen@demo.test", base=self.gate.address)
        self.gate.drop()
        kitchen.wait(lambda: kitchen.state() == "waiting", "it notices")
        kitchen.wait(lambda: kitchen.state() == "live", "it is back")
        self.assertEqual(kitchen.all("#stale"), [])

    def test_what_is_tapped_without_a_connection_is_shown_at_once_and_sent_once_later(self):
        kitchen, order = self.kitchen_with(base=self.gate.address)
        self.gate.cut()
        kitchen.wait(lambda: kitchen.state() != "live", "it notices")
        kitchen.tap(kitchen.cards(self.table)[0])
        kitchen.wait(lambda: kitchen.statuses(self.table) == ["started"], "shown at once")
        self.assertEqual(kitchen.cards(self.table)[0].get_attribute("data-moving"), "true")
        kitchen.picture("kitchen-waiting")
        self.gate.open()
        kitchen.wait(lambda: kitchen.cards(self.table)[0].get_attribute("data-moving") == "false", "confirmed", STALE)
        tickets = self.manager.call("GET", f"/api/v1/orders/{order['id']}")["tickets"]
        self.assertEqual([ticket["status"] for ticket in tickets], ["started"])


del ScreensTest  # a base, not a test

if __name__ == "__main__":
    unittest.main(verbosity=2)
