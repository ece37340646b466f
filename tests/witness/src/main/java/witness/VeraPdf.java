package witness;

import static witness.Json.quoted;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;

/** Validate each file against one flavour; print one line of JSON a file. Exit status 1 when any fails. */
public final class VeraPdf {
    public static void main(String[] arguments) {
        Logger.getLogger("").setLevel(Level.OFF);
        VeraGreenfieldFoundryProvider.initialise();
        PDFAFlavour flavour = PDFAFlavour.fromString(arguments[0]);
        boolean allPassed = true;
        for (int index = 1; index < arguments.length; index++) {
            allPassed &= validate(Path.of(arguments[index]), flavour);
        }
        System.exit(allPassed ? 0 : 1);
    }

    private static boolean validate(Path file, PDFAFlavour flavour) {
        boolean passed = false;
        String failures;
        try (var input = Files.newInputStream(file);
                var parser = Foundries.defaultInstance().createParser(input, flavour);
                var validator = Foundries.defaultInstance().createValidator(flavour, false)) {
            var result = validator.validate(parser);
            passed = result.isCompliant();
            failures = failures(result.getTestAssertions());
        } catch (Exception error) {
            failures = "{\"rule\":\"unreadable\",\"message\":" + quoted(String.valueOf(error)) + "}";
        }
        System.out.println("{\"file\":" + quoted(file.toString()) + ",\"flavour\":" + quoted(flavour.toString())
                + ",\"passed\":" + passed + ",\"failures\":[" + failures + "]}");
        return passed;
    }

    /** One entry a rule: its number in the standard, its words, the first place where it failed, and how often. */
    private static String failures(List<TestAssertion> assertions) {
        var byRule = new TreeMap<String, List<TestAssertion>>();
        for (TestAssertion assertion : assertions) {
            if (assertion.getStatus() == TestAssertion.Status.FAILED) {
                String rule = assertion.getRuleId().getClause() + "-" + assertion.getRuleId().getTestNumber();
                byRule.computeIfAbsent(rule, key -> new ArrayList<>()).add(assertion);
            }
        }
        var entries = new ArrayList<String>();
        byRule.forEach((rule, failed) -> entries.add("{\"rule\":" + quoted(rule)
                + ",\"message\":" + quoted(failed.get(0).getMessage())
                + ",\"where\":" + quoted(failed.get(0).getLocation().getContext())
                + ",\"count\":" + failed.size() + "}"));
        return String.join(",", entries);
    }
}
