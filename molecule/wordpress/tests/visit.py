# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody does with a WordPress in a real browser; runs in the machine itself, prints JSON with screenshots."""

from __future__ import annotations

import base64
import json
import sys
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGP4z8CAB+GTG8HSALfKY52fTcuYAAAAAElFTkSuQmCC"
PUBLISH = ".editor-post-publish-panel__toggle"
CONFIRM = ".editor-post-publish-button"


class Visit:
    """One browser, and what was seen in it."""

    def __init__(self, site: str) -> None:
        """Start Chromium, which finds the site at this machine."""
        options = webdriver.ChromeOptions()
        for option in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "window-size=1280,1600"):
            options.add_argument(f"--{option}")
        options.add_argument(f"--host-resolver-rules=MAP {site} 127.0.0.1")
        self.site = f"http://{site}"
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.wait = WebDriverWait(self.driver, 30)
        self.pictures: dict[str, str] = {}

    def go(self, path: str) -> None:
        """Open a page."""
        self.driver.get(path if path.startswith("http") else self.site + path)

    def see(self, name: str) -> None:
        """Keep what is on the screen."""
        self.pictures[name] = self.driver.get_screenshot_as_base64()

    def fill(self, **values: str) -> None:
        """Write into fields, by their ids."""
        for field, value in values.items():
            element = self.wait.until(lambda driver, field=field: driver.find_element(By.ID, field))
            element.clear()
            element.send_keys(value)

    def click(self, selector: str) -> None:
        """Click on something as soon as it can be clicked."""

        def try_it(driver: webdriver.Chrome) -> bool:
            found = [each for each in driver.find_elements(By.CSS_SELECTOR, selector) if each.is_displayed()]
            if not found or not found[0].is_enabled() or found[0].get_attribute("aria-disabled") == "true":
                return False
            found[0].click()
            return True

        self.wait.until(try_it)

    def log_in(self, password: str) -> None:
        """Log in by the form."""
        self.go("/wp-login.php")
        self.fill(user_login="admin", user_pass=password)
        self.click("#wp-submit")
        self.wait.until(lambda driver: driver.find_element(By.ID, "wpadminbar"))

    def upload(self) -> str:
        """Upload a picture by the plain form, and give its address."""
        self.go("/wp-admin/media-new.php?browser-uploader")
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            file.write(base64.b64decode(PICTURE))
            file.flush()
            self.wait.until(lambda driver: driver.find_element(By.ID, "async-upload")).send_keys(file.name)
            self.click("#html-upload")
            self.wait.until(lambda driver: "upload.php" in driver.current_url)
        script = "return fetch('/wp-json/wp/v2/media?per_page=1').then(a => a.json()).then(a => a[0].source_url)"
        return str(self.driver.execute_script(script))

    def publish(self, title: str, picture: str) -> str:
        """Write a post in the editor, publish it, and give its address."""
        self.go("/wp-admin/post-new.php")
        self.wait.until(
            lambda driver: driver.execute_script(
                "return !!(window.wp && wp.data && wp.data.select('core/editor')"
                " && wp.data.select('core/editor').getCurrentPostId())"
            )
        )
        self.driver.execute_script("wp.data.dispatch('core/preferences').set('core/edit-post', 'welcomeGuide', false)")
        self.driver.execute_script(
            "wp.data.dispatch('core/editor').editPost({title: arguments[0]});"
            "wp.data.dispatch('core/block-editor').insertBlocks(["
            "wp.blocks.createBlock('core/paragraph', {content: 'Seen from the window.'}),"
            "wp.blocks.createBlock('core/image', {url: arguments[1]})])",
            title,
            picture,
        )
        self.see("editor")
        self.click(PUBLISH)
        self.click(CONFIRM)
        done = "return wp.data.select('core/editor').isCurrentPostPublished()"
        self.wait.until(lambda driver: driver.execute_script(done))
        return str(self.driver.execute_script("return wp.data.select('core/editor').getPermalink()"))

    def log_out(self) -> None:
        """Log out by the link of the bar."""
        self.go("/wp-admin/")
        link = self.wait.until(lambda driver: driver.find_element(By.CSS_SELECTOR, "#wp-admin-bar-logout a"))
        self.go(str(link.get_attribute("href")))
        self.wait.until(lambda driver: "loggedout" in driver.current_url)

    def read(self, address: str) -> dict[str, object]:
        """Read a post as anybody."""
        self.go(address)
        self.see("post")
        loaded = "const i = document.querySelector('.wp-block-image img'); return i ? i.naturalWidth : 0"
        self.wait.until(lambda driver: driver.execute_script(loaded))
        return {
            "title": self.driver.title,
            "text": "Seen from the window." in self.driver.page_source,
            "width": self.driver.execute_script(loaded),
            "bar": bool(self.driver.find_elements(By.ID, "wpadminbar")),
        }

    def comment(self) -> str:
        """Comment on the post that is open."""
        self.fill(comment="What a day.", author="Ben", email="ben@example.test")
        self.click("#submit")
        self.wait.until(lambda driver: "#comment-" in driver.current_url)
        self.see("comment")
        return self.driver.page_source


def main() -> None:
    """Do all of it."""
    wanted = json.loads(sys.stdin.read())
    visit = Visit(wanted["site"])
    try:
        visit.log_in(wanted["password"])
        picture = visit.upload()
        address = visit.publish(wanted["title"], picture)
        visit.log_out()
        visit.driver.delete_all_cookies()
        seen = visit.read(address)
        seen["awaits"] = "awaiting moderation" in visit.comment()
        seen["address"] = address
        sys.stdout.write(json.dumps({"seen": seen, "pictures": visit.pictures}))
    finally:
        visit.driver.quit()


if __name__ == "__main__":
    main()
