// Called by make.sh: driver, browser, what the demo printed, where the pictures go.
const [, , driver, executablePath, demo, folder] = process.argv;
const { chromium } = require(driver);
const { url, people } = JSON.parse(require("fs").readFileSync(demo, "utf8"));
const jane = people.find(person => person.role === "agent");
const wide = { width: 1180, height: 820 }, phone = { width: 390, height: 844 };
const views = [
  ["light", { viewport: wide, colorScheme: "light" }],
  ["dark", { viewport: wide, colorScheme: "dark" }],
  ["phone", { viewport: phone, colorScheme: "light", deviceScaleFactor: 2, isMobile: true, hasTouch: true }],
];

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  for (const [name, options] of views) {
    const context = await browser.newContext({ ...options, baseURL: url, locale: "en-GB", reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.goto("/");
    await page.getByLabel("Email").fill(jane.email);
    await page.getByLabel("Password").fill(jane.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    // The demo's other people have been at work.
    const half = page.locator("#part-list .rows > li", { hasText: "1 of 2 approvals" });
    await half.first().waitFor();
    await page.screenshot({ path: `${folder}/inbox-${name}.png` });
    await half.first().locator(".subject").click();
    await page.locator("#request").waitFor();
    await page.mouse.move(0, 0);
    await page.screenshot({ path: `${folder}/request-${name}.png` });
    await context.close();
  }
  await browser.close();
})().catch(error => { console.error(error); process.exit(1); });
