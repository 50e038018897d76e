using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;

namespace Countersign.Storage;

/// <summary>How an argument object is put into a statement: one call per property, compiled on first use, nothing boxed.</summary>
internal sealed record SqliteBinder(IReadOnlyList<string> Names, Action<SqliteStatements, object> Bind)
{
    private static readonly ConcurrentDictionary<Type, SqliteBinder> Known = new();

    public static SqliteBinder For(Type type) => Known.GetOrAdd(type, Make);

    private static SqliteBinder Make(Type type)
    {
        var properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance);
        var (into, given) = (Expression.Parameter(typeof(SqliteStatements)), Expression.Parameter(typeof(object)));
        var arguments = Expression.Variable(type);
        var puts = properties.Select((property, i) => Put(into, i, Expression.Property(arguments, property)));
        var all = Expression.Block([arguments], [Expression.Assign(arguments, Expression.Convert(given, type)), .. puts]);
        return new([.. properties.Select(p => p.Name)], Expression.Lambda<Action<SqliteStatements, object>>(all, into, given).Compile());
    }

    private static MethodCallExpression Put(Expression into, int index, MemberExpression value)
    {
        var position = Expression.Constant(index);
        if (typeof(SqliteStatements).GetMethod(nameof(SqliteStatements.Put), [typeof(int), value.Type]) is { IsGenericMethod: false } put && put.GetParameters()[1].ParameterType == value.Type)
            return Expression.Call(into, put, position, value);
        if (value.Type.IsValueType && typeof(ISqlText).IsAssignableFrom(value.Type))
            return Expression.Call(into, nameof(SqliteStatements.Put), [value.Type], position, value);
        return Expression.Call(into, nameof(SqliteStatements.PutAny), null, position, Expression.Convert(value, typeof(object)));
    }
}
