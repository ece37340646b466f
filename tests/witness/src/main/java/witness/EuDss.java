package witness;

import static witness.Json.quoted;

import eu.europa.esig.dss.jaxb.object.Message;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.pades.validation.PDFDocumentValidator;
import eu.europa.esig.dss.pdf.modifications.DefaultPdfDifferencesFinder;
import eu.europa.esig.dss.pdf.pdfbox.PdfBoxNativeObjectFactory;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.simplereport.jaxb.XmlTimestamp;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonCertificateSource;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;

/**
 * Validate PDFs with EU DSS, offline; print one line of JSON a file.
 *
 * <p>Arguments, once or several times: a folder with certificates (*.pem; a self-signed one becomes an anchor) and
 * revocation lists (*.crl), the validation time in ISO 8601, and a text file that names the PDFs, one a line. There
 * is no loader for anything on the network: what isn't in the file or the folder is missing.
 */
public final class EuDss {
    private final CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
    private final CommonCertificateSource others = new CommonCertificateSource();
    private final DSSDocument[] lists;
    private final Date at;

    private EuDss(Path trust, Date at) throws IOException {
        this.at = at;
        for (Path file : files(trust, ".pem")) {
            var certificate = DSSUtils.loadCertificate(file.toFile());
            (certificate.isSelfSigned() ? trusted : others).addCertificate(certificate);
        }
        lists = files(trust, ".crl").stream().map(file -> new FileDocument(file.toFile())).toArray(DSSDocument[]::new);
    }

    public static void main(String[] arguments) throws IOException {
        for (int first = 0; first < arguments.length; first += 3) {
            var witness = new EuDss(Path.of(arguments[first]), Date.from(Instant.parse(arguments[first + 1])));
            Files.readAllLines(Path.of(arguments[first + 2])).parallelStream()
                    .map(witness::judged)
                    .forEachOrdered(System.out::println);
        }
    }

    private static List<Path> files(Path folder, String ending) throws IOException {
        try (var found = Files.list(folder)) {
            return found.filter(file -> file.toString().endsWith(ending)).sorted().toList();
        }
    }

    private CommonCertificateVerifier verifier() {
        var verifier = new CommonCertificateVerifier(true); // true: without a source of certificates on the network
        verifier.setTrustedCertSources(trusted);
        verifier.setAdjunctCertSources(others);
        verifier.setCrlSource(new ExternalResourcesCRLSource(lists));
        return verifier;
    }

    /** Without drawing every page of every revision: its policy only warns of differences, and it takes half of the time. */
    private static PdfBoxNativeObjectFactory reader() {
        var differences = new DefaultPdfDifferencesFinder();
        differences.setMaximalPagesAmountForVisualComparison(0);
        var reader = new PdfBoxNativeObjectFactory();
        reader.setPdfDifferencesFinder(differences);
        return reader;
    }

    private String judged(String file) {
        String head = "{\"file\":" + quoted(file);
        try {
            var validator = new PDFDocumentValidator(new FileDocument(file));
            validator.setCertificateVerifier(verifier());
            validator.setPdfObjFactory(reader());
            validator.setValidationTime(at);
            validator.setEnableEtsiValidationReport(false);
            SimpleReport report = validator.validateDocument().getSimpleReport();
            return head + ",\"signatures\":[" + signatures(report) + "],\"timestamps\":[" + timestamps(report) + "]}";
        } catch (Exception | StackOverflowError error) {
            return head + ",\"error\":" + quoted(error) + "}";
        }
    }

    private static String signatures(SimpleReport report) {
        var told = new ArrayList<String>();
        for (String id : report.getSignatureIdList()) {
            Date claimed = report.getSigningTime(id);
            told.add("{" + outcome(report, id)
                    + ",\"format\":" + quoted(report.getSignatureFormat(id))
                    + ",\"claimed_at\":" + quoted(claimed == null ? null : claimed.toInstant())
                    + ",\"signer\":" + quoted(report.getSignedBy(id))
                    + ",\"stamps\":[" + stamps(report.getSignatureTimestamps(id)) + "]"
                    + ",\"errors\":" + quoted(words(report.getAdESValidationErrors(id)))
                    + ",\"warnings\":" + quoted(words(report.getAdESValidationWarnings(id))) + "}");
        }
        return String.join(",", told);
    }

    /** Signature, archive and document timestamps that belong to a signature. */
    private static String stamps(List<XmlTimestamp> found) {
        return String.join(",", found.stream()
                .map(stamp -> quoted(stamp.getIndication()
                        + (stamp.getSubIndication() == null ? "" : "/" + stamp.getSubIndication())))
                .toList());
    }

    private static String timestamps(SimpleReport report) {
        return String.join(",", report.getTimestampIdList().stream()
                .map(id -> "{" + outcome(report, id)
                        + ",\"errors\":" + quoted(words(report.getAdESValidationErrors(id))) + "}")
                .toList());
    }

    private static String outcome(SimpleReport report, String id) {
        return "\"indication\":" + quoted(report.getIndication(id))
                + ",\"sub_indication\":" + quoted(report.getSubIndication(id));
    }

    private static String words(List<Message> messages) {
        return String.join(" | ", messages.stream().map(Message::getValue).toList());
    }
}
