// Closes the run with one plain line: "browser: N passed, N failed".
import type { FullResult, Reporter, TestCase, TestResult } from "@playwright/test/reporter";

export default class Summary implements Reporter {
  private passed = 0;
  private failed = 0;

  onTestEnd(_test: TestCase, result: TestResult) {
    if (result.status === "passed") this.passed += 1;
    else this.failed += 1;
  }

  onEnd(_result: FullResult) {
    console.log(`browser: ${this.passed} passed, ${this.failed} failed`);
  }
}
