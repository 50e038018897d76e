using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;

namespace Countersign.Storage;

/// <summary>
/// How an argument object is put into a statement: one call per property, nothing boxed. Compiled only for statements that
/// run often, because compiling the few dozen that a start needs once each would be a tenth of the start.
/// </summary>
internal sealed class SqliteBinder
{
    /// <summary>After so many uses a plan is compiled, here and in <see cref="RowReader{T}"/>.</summary>
    internal const int Often = 8;

    private static readonly ConcurrentDictionary<Type, SqliteBinder> Known = new();

    private readonly Type _type;
    private readonly PropertyInfo[] _properties;
    private Action<SqliteStatements, object>? _compiled;
    private int _uses;

    private SqliteBinder(Type type) =>
        (_type, _properties) = (type, type.GetProperties(BindingFlags.Public | BindingFlags.Instance));

    public IEnumerable<string> Names => _properties.Select(property => property.Name);

    public static SqliteBinder For(Type type) => Known.GetOrAdd(type, known => new SqliteBinder(known));

    public void Bind(SqliteStatements into, object arguments)
    {
        if (_compiled is { } compiled)
        {
            compiled(into, arguments);
            return;
        }
        for (var i = 0; i < _properties.Length; i++)
            into.PutAny(i, _properties[i].GetValue(arguments));
        // Readers count at the same time; that one of them is missed, or two compile, does no harm.
        if (++_uses >= Often)
            _compiled = Compile();
    }

    private Action<SqliteStatements, object> Compile()
    {
        var (into, given) = (Expression.Parameter(typeof(SqliteStatements)), Expression.Parameter(typeof(object)));
        var arguments = Expression.Variable(_type);
        var puts = _properties.Select((property, i) => Put(into, i, Expression.Property(arguments, property)));
        var all = Expression.Block([arguments], [Expression.Assign(arguments, Expression.Convert(given, _type)), .. puts]);
        return Expression.Lambda<Action<SqliteStatements, object>>(all, into, given).Compile();
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
