import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.URI;
import java.util.concurrent.TimeUnit;

class Grpc {
  private static final Marshaller<byte[]> NOTHING =
      new Marshaller<>() {
        @Override
        public InputStream stream(byte[] message) {
          return new ByteArrayInputStream(message);
        }

        @Override
        public byte[] parse(InputStream stream) {
          return new byte[0];
        }
      };

  public static void main(String[] arguments) {
    URI url = URI.create(arguments[0]);
    boolean secure = url.getScheme().equals("https");
    ManagedChannelBuilder<?> builder = ManagedChannelBuilder.forAddress(url.getHost(), secure ? 443 : 80);
    ManagedChannel channel = (secure ? builder.useTransportSecurity() : builder.usePlaintext()).build();
    MethodDescriptor<byte[], byte[]> method =
        MethodDescriptor.newBuilder(NOTHING, NOTHING)
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("demo.Demo/Call")
            .build();
    try {
      ClientCalls.blockingUnaryCall(
          channel, method, CallOptions.DEFAULT.withDeadlineAfter(5, TimeUnit.SECONDS), new byte[0]);
      System.out.println("status 200");
    } catch (StatusRuntimeException error) {
      System.out.println("error " + error.getStatus());
    }
    channel.shutdownNow();
  }
}
